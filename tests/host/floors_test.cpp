#include "harness/host/floors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "harness/host/guest_mode_vcpus.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk::host {
namespace {

using namespace std::chrono_literals;

TEST(NearestRank, IsOneOfTheValues) {
  EXPECT_EQ(nearest_rank({7}, 0.5), 7);
  EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0.5), 2);
  EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0.99), 4);
  EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 0), 1);
  EXPECT_EQ(nearest_rank({1, 2, 3, 4}, 1), 4);
}

TEST(GracePeriods, AreBoundedInNumberAndTime) {
  unsigned waits = 0;
  EXPECT_EQ(time_grace_periods([&] { ++waits; }, 1h).size(), kMostGracePeriods);
  EXPECT_EQ(waits, kMostGracePeriods);
  const std::vector<double> one = time_grace_periods([] { std::this_thread::sleep_for(2ms); }, 0s);
  ASSERT_EQ(one.size(), 1u) << "one at least, however long it takes";
  EXPECT_GE(one.front(), 2e6);
  EXPECT_THROW(time_grace_periods([] { throw CellError("refused"); }, 1s), CellError);
}

TEST(GracePeriods, AreSorted) {
  unsigned waits = 0;
  const auto wait = [&] { std::this_thread::sleep_for(waits++ == 0 ? 3ms : 0ms); };
  const std::vector<double> lengths = time_grace_periods(wait, 1h);
  EXPECT_TRUE(std::is_sorted(lengths.begin(), lengths.end()));
  EXPECT_GE(lengths.back(), 3e6);
}

TEST(FloorsTest, EachIsPositiveOrHasAReason) {
  const Floors floors = measure_floors(Placement::parse("auto"));
  for (const auto& [name, floor] : kFloorNames) {
    const std::optional<double> ns = floors.*floor;
    EXPECT_NE(ns.has_value(), floors.unavailable.contains(name)) << name;
    if (ns) {
      EXPECT_GT(*ns, 0) << name;
    }
  }
  EXPECT_TRUE(floors.xchg_ns) << "no host is without it";
  if (floors.membarrier_global_ns_p50) {
    EXPECT_LE(*floors.membarrier_global_ns_p50, *floors.membarrier_global_ns_p99);
  }
}

TEST(FloorsTest, NoneForOneReason) {
  const Floors floors = no_floors("denied");
  for (const auto& [name, floor] : kFloorNames) {
    EXPECT_FALSE(floors.*floor) << name;
    EXPECT_EQ(floors.unavailable.at(name), "denied");
  }
}

TEST(FloorsTest, OneCpuHasNoOther) {
  const std::string only = std::to_string(os::allowed_cpus().front());
  const Floors floors = measure_floors(Placement::parse(only));
  EXPECT_EQ(floors.unavailable.at("line_transfer_ns"), "only one CPU");
  EXPECT_EQ(floors.unavailable.at("signal_ipi_ns"), "only one CPU");
  EXPECT_FALSE(floors.signal_ipi_ns);
}

TEST(FloorsTest, LeavesTheCallersCpusAlone) {
  const std::vector<unsigned> before = os::allowed_cpus();
  measure_floors(Placement::parse("auto"));
  EXPECT_EQ(os::allowed_cpus(), before);
}

TEST(FloorsTest, WithoutPinningTheOthersAreMeasured) {
  const Floors floors = measure_floors(Placement::parse("none"));
  EXPECT_TRUE(floors.xchg_ns);
  EXPECT_TRUE(floors.unavailable.contains("line_transfer_ns"));
}

TEST(GuestModeVcpusTest, EachIpiReachesEachOfThem) {
  const GuestModeVcpus vcpus({std::nullopt, std::nullopt});
  const std::uint64_t before = vcpus.vcpus()[0]->ipis_acknowledged();
  for (int i = 0; i < 3; ++i) EXPECT_GT(vcpus.time_signal_ipi(), 0);
  for (const Vcpu* vcpu : vcpus.vcpus()) EXPECT_GE(vcpu->ipis_acknowledged(), before + 3);
}

TEST(GuestModeVcpusTest, ACpuThatDoesNotExist) { EXPECT_THROW(GuestModeVcpus({std::nullopt, 1'000'000}), CellError); }

}  // namespace
}  // namespace shadowwalk::host
