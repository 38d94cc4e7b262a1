// What the command line changes in a workload's guest changes it the same way in both guests.
#include "harness/lab/prepared_cell.hpp"

#include <gtest/gtest.h>

#include <ostream>

#include "harness/lab/cell.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

struct Knobs {
  const char* name;
  const char* workload;
  const char* locality;  ///< empty: the workload's own
  int writes;            ///< -1: the workload's own
  friend std::ostream& operator<<(std::ostream& out, const Knobs& knobs) { return out << knobs.name; }
};

CellConfig cell_of(const Knobs& knobs, GuestKind kind) {
  CellConfig config;
  config.variant = "leak";
  config.workload = knobs.workload;
  config.vcpus = 2;
  config.guest = kind;
  config.working_set = 5000;
  config.walks_per_exit = 1000;
  config.seed = 11;
  config.locality = parse_locality(knobs.locality);
  if (knobs.writes >= 0) config.write_percent = static_cast<unsigned>(knobs.writes);
  return config;
}

std::vector<Access> accesses_of(const Knobs& knobs, GuestKind kind) {
  const CellConfig config = cell_of(knobs, kind);
  const auto guest = make_guest(guest_config(config, load_workload(config.workload)));
  std::vector<Access> all;
  while (all.size() < 50'000) {
    for (const Access access : guest->vcpu(1).enter()) all.push_back(access);
  }
  return all;
}

class GuestKnobStream : public testing::TestWithParam<Knobs> {};

TEST_P(GuestKnobStream, IsTheSameInKvmAndThreadGuests) {
  if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) GTEST_SKIP() << reason;
  const auto kvm = accesses_of(GetParam(), GuestKind::kvm);
  const auto thread = accesses_of(GetParam(), GuestKind::thread);
  ASSERT_EQ(kvm.size(), thread.size());
  for (std::size_t i = 0; i < kvm.size(); ++i) ASSERT_EQ(kvm[i].word, thread[i].word) << "access " << i;
}

TEST_P(GuestKnobStream, IsAnotherThanTheWorkloadsOwn) {
  const auto own = accesses_of({"own", GetParam().workload, "", -1}, GuestKind::thread);
  const auto turned = accesses_of(GetParam(), GuestKind::thread);
  std::size_t same = 0;
  for (std::size_t i = 0; i < own.size(); ++i) same += own[i].word == turned[i].word ? 1 : 0;
  EXPECT_LT(same, own.size());
}

TEST_P(GuestKnobStream, HasTheShareOfStores) {
  if (GetParam().writes < 0) return;
  const auto accesses = accesses_of(GetParam(), GuestKind::thread);
  std::size_t stores = 0;
  std::size_t ram = 0;
  for (const Access access : accesses) {
    stores += access.kind() == AccessKind::write ? 1 : 0;
    ram += access.kind() == AccessKind::write || access.kind() == AccessKind::read ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(stores) / static_cast<double>(ram), GetParam().writes / 100.0, 0.02);
}

INSTANTIATE_TEST_SUITE_P(
    All, GuestKnobStream,
    testing::Values(Knobs{"uniform", "quota", "uniform", -1}, Knobs{"stride", "memslot-flip", "stride:17", -1},
                    Knobs{"zipf", "mmio-poll", "zipf:0.99", -1}, Knobs{"steep_zipf", "dirty-log", "zipf:3", 20},
                    Knobs{"no_stores", "balloon", "", 0}, Knobs{"stores_alone", "demand-fault", "", 100},
                    Knobs{"stores_of_processes", "pagetable-churn", "", 60}, Knobs{"blend", "mix", "stride:5", 75}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CheckCell, RefusesAKnobThatDoesNotSuitTheWorkload) {
  EXPECT_NO_THROW(prepare_cell(cell_of({"", "memslot-flip", "zipf:1", 10}, GuestKind::thread)));
  EXPECT_THROW(prepare_cell(cell_of({"", "demand-fault", "zipf:1", -1}, GuestKind::thread)), InputError);
  EXPECT_THROW(prepare_cell(cell_of({"", "mmio-poll", "", 10}, GuestKind::thread)), InputError);
  EXPECT_THROW(prepare_cell(cell_of({"", "memslot-flip", "stride:5001", -1}, GuestKind::thread)), InputError);
}

}  // namespace
}  // namespace shadowwalk
