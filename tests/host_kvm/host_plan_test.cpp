#include "harness/host_kvm/host_plan.hpp"

#include "harness/host_kvm/kvm_modules.hpp"
#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CellConfig flip_cell() {
  CellConfig config;
  config.variant = "host-kvm";
  config.workload = "memslot-flip";
  config.guest = GuestKind::kvm;
  return config;
}

std::string refusal(const CellConfig& config) {
  try {
    plan_for(config);
  } catch (const InputError& error) {
    return error.what();
  }
  return "not refused";
}

class Plan : public testing::Test {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }
};

TEST_F(Plan, AMemorySlotIsFlipped) {
  CellConfig config = flip_cell();
  config.vcpus = 3;
  config.walks_per_exit = 77;
  config.working_set = 1234;
  config.seed = 9;
  const HostPlan plan = plan_for(config);
  EXPECT_EQ(plan.action, KernelAction::flip_memory_slot);
  EXPECT_EQ(plan.touch.coverage, Coverage::whole);
  EXPECT_EQ(plan.touch.guest.vcpus, 3u);
  EXPECT_EQ(plan.touch.guest.burst, 77u);
  EXPECT_EQ(plan.touch.guest.params.seed, 9u);
  EXPECT_EQ(plan.touch.pages, 1234u);
  EXPECT_TRUE(plan.touch.clocked);
  EXPECT_FALSE(plan.touch.log_dirty_pages);
  EXPECT_TRUE(plan.touch.populate);
}

TEST_F(Plan, AGrowingProgramHasMemoryToGrowInto) {
  CellConfig config = flip_cell();
  config.workload = "demand-fault";
  config.zappers = 0;
  config.working_set = 100;
  const HostPlan plan = plan_for(config);
  EXPECT_EQ(plan.touch.pages, 6400u);
  EXPECT_FALSE(plan.touch.populate) << "its first touches are faults of the host, too";
}

TEST_F(Plan, MmioNeedsNoMemory) {
  CellConfig config = flip_cell();
  config.workload = "mmio-poll";
  config.zappers = 0;
  EXPECT_EQ(plan_for(config).touch.pages, 1u);
}

TEST_F(Plan, TouchesAreClockedAtFullInstrumentationOnly) {
  CellConfig config = flip_cell();
  config.instrumentation = Instrumentation::light;
  EXPECT_FALSE(plan_for(config).touch.clocked);
}

TEST_F(Plan, RecyclingNeedsATableOrTwoToRecycle) {
  CellConfig config = flip_cell();
  config.workload = "demand-fault";
  if (!quota_ignored_reason().empty()) {
    EXPECT_THAT(refusal(config), HasSubstr("KVM_SET_NR_MMU_PAGES"));
    return;
  }
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("--working-set 65536"), HasSubstr("demand-fault")));
  config.working_set = 65536;
  EXPECT_EQ(plan_for(config).action, KernelAction::squeeze_quota);
  EXPECT_EQ(plan_for(config).touch.coverage, Coverage::unknown);
  config.working_set = 4096;
  config.zappers = 0;
  EXPECT_EQ(refusal(config), "not refused") << "without zappers nothing is recycled";
}

TEST_F(Plan, WhatIsAboutTheLabsOwnMmuIsRefused) {
  CellConfig config = flip_cell();
  config.guest = GuestKind::thread;
  EXPECT_THAT(refusal(config), HasSubstr("--guest kvm"));
  config = flip_cell();
  config.zappers = 2;
  EXPECT_THAT(refusal(config), HasSubstr("--zappers 1"));
  config = flip_cell();
  config.full_checks = true;
  EXPECT_THAT(refusal(config), HasSubstr("--checks full"));
  config = flip_cell();
  config.read_delay = {.one_in = 1000, .stall_us = 50};
  EXPECT_THAT(refusal(config), HasSubstr("--read-delay"));
  config = flip_cell();
  config.rcu_interval = 1ms;
  EXPECT_THAT(refusal(config), HasSubstr("--rcu-interval"));
  config = flip_cell();
  config.mmu_lock = MmuLockKind::mutex;
  EXPECT_THAT(refusal(config), HasSubstr("--mmu-lock"));
  config = flip_cell();
  config.events = "contention";
  EXPECT_THAT(refusal(config), AllOf(HasSubstr("--events"), Not(HasSubstr("\n"))));
  config = flip_cell();
  config.workload = "mmio";
  EXPECT_THAT(refusal(config), HasSubstr("unknown workload"));
}

TEST(PlannedRange, GoesFromTheFrontToTheBackAndAgain) {
  HostPlan plan;
  plan.action = KernelAction::discard_range;
  plan.range_pages = 100;
  plan.touch.pages = 250;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (std::uint64_t beat = 0; beat < 4; ++beat) {
    const PageRange range = range_of(plan, beat);
    ranges.emplace_back(range.first, range.count);
  }
  EXPECT_THAT(ranges,
              testing::ElementsAre(std::pair(0, 100), std::pair(100, 100), std::pair(200, 50), std::pair(0, 100)));
}

}  // namespace
}  // namespace shadowwalk::host_kvm
