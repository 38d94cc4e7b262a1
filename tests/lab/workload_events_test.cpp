#include "harness/lab/workload_events.hpp"

#include <gmock/gmock.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;

std::string broken(const Workload& workload, const std::map<std::string, std::uint64_t>& events, bool zappers = true) {
  try {
    check_required_events(workload, events, zappers);
  } catch (const CellError& error) {
    return error.what();
  }
  return "kept";
}

TEST(WorkloadEvents, EveryShippedPromiseIsOfAnEvent) {
  for (const Workload& workload : workloads()) EXPECT_NO_THROW(check_required_names(workload)) << workload.name;
  Workload wrong = workloads()[0];
  wrong.guest_requires_events = {"made_writeable_total"};
  EXPECT_THROW(check_required_names(wrong), InputError);
}

// A dirty-log cell in which no write took the make-writable path measured something else.
TEST(WorkloadEvents, ACellThatDidNotDoItsWorkloadFails) {
  const Workload& dirty_log = *find_workload("dirty-log");
  CellMeasurement cell;
  cell.zaps_total = 5;
  cell.mmu.host_actions.leaves_write_protected = 10;
  cell.mmu.host_actions.dirty_rounds = 2;
  EXPECT_THAT(broken(dirty_log, workload_events(cell)),
              HasSubstr("'dirty-log' is about made_writable_total, and there was none"));
  EXPECT_EQ(broken(dirty_log, workload_events(cell), false), "kept") << "without zappers nothing logs";
  cell.counts.made_writable = 1;
  EXPECT_EQ(broken(dirty_log, workload_events(cell)), "kept");
}

TEST(WorkloadEvents, TheGuestsPromisesHoldWithoutZappers) {
  EXPECT_THAT(broken(*find_workload("quota"), workload_events({}), false), HasSubstr("quota_zaps_total"));
}

}  // namespace
}  // namespace shadowwalk
