#include "harness/host_kvm/host_plan.hpp"

#include <filesystem>
#include <fstream>

#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

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
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].kind, HostAction::Kind::zap_everything);
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
  config.zappers = 1;
  config.working_set = 65536;
  if (quota_ignored_reason().empty()) {
    EXPECT_THAT(refusal(config), HasSubstr("devices only"));
  }
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
  config.rcu_interval.time = 1ms;
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

TEST_F(Plan, TheHostsPartIsWhatTheWorkloadSays) {
  CellConfig config = flip_cell();
  config.workload = "dirty-log";
  EXPECT_EQ(plan_for(config).touch.coverage, Coverage::writes);
  EXPECT_TRUE(plan_for(config).touch.log_dirty_pages);
  EXPECT_THAT(describe(plan_for(config)), HasSubstr("KVM_CLEAR_DIRTY_LOG"));
  config.workload = "balloon";
  EXPECT_EQ(plan_for(config).touch.coverage, Coverage::ranges);
  EXPECT_THAT(describe(plan_for(config)), HasSubstr("MADV_DONTNEED"));
  config.zappers = 0;
  EXPECT_EQ(plan_for(config).touch.coverage, Coverage::whole);
  EXPECT_EQ(describe(plan_for(config)), "none");
}

TEST_F(Plan, WhatOnlyTheLabsOwnWalkersAndTablesCanDoIsRefused) {
  CellConfig config = flip_cell();
  config.workload = "stalled-walker";
  EXPECT_THAT(refusal(config), HasSubstr("inside a walk"));
  config.workload = "pagetable-churn";
  config.zappers = 0;
  EXPECT_THAT(refusal(config), HasSubstr("page tables"));
  config.workload = "mix";
  config.zappers = 1;
  EXPECT_THAT(refusal(config), HasSubstr("page tables")) << "no other knob would help";
}

TEST_F(Plan, AStandingQuotaIsAPartOfWhatTheWorkingSetNeeds) {
  CellConfig config = flip_cell();
  config.workload = "quota";
  config.zappers = 0;
  config.working_set = 262144;
  if (!quota_ignored_reason().empty()) {
    EXPECT_THAT(refusal(config), HasSubstr("KVM_SET_NR_MMU_PAGES"));
    return;
  }
  const HostPlan plan = plan_for(config);
  EXPECT_GE(plan.quota, 128u) << "a quarter of 512 tables";
  EXPECT_LE(plan.quota, 140u);
  EXPECT_EQ(plan.touch.coverage, Coverage::unknown);
  config.working_set = 4096;
  EXPECT_THAT(refusal(config), HasSubstr("larger --working-set"));
}

class Coverages : public testing::Test {
 protected:
  using Kind = HostAction::Kind;
  static Coverage of(std::initializer_list<Kind> kinds) {
    HostPlan plan;
    for (const Kind kind : kinds) plan.actions.push_back({.kind = kind});
    return coverage_of(plan);
  }
};

TEST_F(Coverages, OnlyWhatAllBeatsTellIsTold) {
  EXPECT_EQ(of({}), Coverage::whole);
  EXPECT_EQ(of({Kind::zap_everything}), Coverage::whole);
  EXPECT_EQ(of({Kind::write_protect, Kind::write_protect}), Coverage::writes);
  EXPECT_EQ(of({Kind::zap_everything, Kind::invalidate}), Coverage::ranges);
  EXPECT_EQ(of({Kind::zap_everything, Kind::write_protect}), Coverage::unknown);
  EXPECT_EQ(of({Kind::zap_everything, Kind::zap_oldest}), Coverage::unknown);
  EXPECT_EQ(of({Kind::shrink}), Coverage::unknown);
}

class KvmModules : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(root_); }
  void set(const std::string& module, const std::string& parameter, const std::string& value) {
    const std::filesystem::path folder = root_ / module / "parameters";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / parameter) << value << '\n';
  }
  std::string root() const { return root_.string(); }

 private:
  std::filesystem::path root_ = [] {
    std::string name = testing::TempDir() + "modules-XXXXXX";
    return std::filesystem::path(mkdtemp(name.data()));
  }();
};

TEST_F(KvmModules, ThoseThatAreThereAreReported) {
  EXPECT_THAT(kvm_modules(root()), IsEmpty());
  set("kvm", "mmio_caching", "N");
  set("kvm_amd", "npt", "1");
  set("kvm_amd", "avic", "Y");
  EXPECT_THAT(kvm_modules(root()), ElementsAre(Pair("kvm.mmio_caching", "N"), Pair("kvm_amd.npt", "1")));
}

TEST_F(KvmModules, AQuotaIsIgnoredByTheTdpMmuOnly) {
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty());
  set("kvm", "tdp_mmu", "Y");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty()) << "without two-dimensional paging the shadow MMU maps guests";
  set("kvm_intel", "ept", "N");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty());
  set("kvm_intel", "ept", "Y");
  EXPECT_THAT(quota_ignored_reason(root()), HasSubstr("TDP MMU"));
  set("kvm", "tdp_mmu", "N");
  EXPECT_THAT(quota_ignored_reason(root()), IsEmpty()) << "two-dimensional paging by the shadow MMU";
  set("kvm", "tdp_mmu", "1");
  set("kvm_intel", "ept", "0");
  set("kvm_amd", "npt", "1");
  EXPECT_THAT(quota_ignored_reason(root()), HasSubstr("KVM_SET_NR_MMU_PAGES"));
}

// Without KVM there is no other guest for the kernel's MMU to serve.
TEST(HostKvmGuest, IsNeverAThreadGuest) {
  CellRequest request;
  request.config = flip_cell();
  request.config.guest = GuestKind::automatic;
  try {
    const PreparedCell cell = prepared(request);
    EXPECT_EQ(cell.config.guest, GuestKind::kvm);
    EXPECT_TRUE(cell.notices.empty());
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), "host-kvm: " + kvm_unavailable_reason());
  }
}

}  // namespace
}  // namespace shadowwalk::host_kvm
