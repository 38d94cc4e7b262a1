#include "harness/host_kvm/touch_vm.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "harness/host_kvm/host_plan.hpp"
#include "tests/host_kvm/touch_fixture.hpp"

namespace shadowwalk::host_kvm {
namespace {

using test::count;
using test::run_bursts;
using test::statistic;
using test::stored_in;
using test::touch_config;
using testing::HasSubstr;

constexpr std::uint64_t kPages = 64;
constexpr unsigned kBurst = 4096;  // leaves no page of 64 untouched: chance 64 * (63/64)^4096

class TouchGuest : public testing::Test {
 protected:
  void SetUp() override { SHADOWWALK_NEED_KVM(); }
};

TEST_F(TouchGuest, EveryTouchIsCountedAndLogged) {
  TouchVm vm(touch_config(kPages, 1000, 2));
  vm.record_touches(true);
  for (unsigned i = 0; i < 2; ++i) {
    EXPECT_EQ(run_bursts(vm.vcpu(i), 5), 0u);
    const TouchLog& log = vm.vcpu(i).log();
    EXPECT_EQ(log.touches, 5000u);
    EXPECT_EQ(log.recorded, 5000u);
    EXPECT_EQ(count(log), 5000u);
    EXPECT_EQ(count(log, TouchKind::first), kPages) << "each page once";
    EXPECT_EQ(count(log, TouchKind::device), 0u);
    EXPECT_GT(count(log.clock), 0u);
  }
}

TEST_F(TouchGuest, OnlyTouchesOfTheWindowAreLogged) {
  TouchVm vm(touch_config(kPages, kBurst));
  run_bursts(vm.vcpu(0), 1);
  vm.record_touches(true);
  run_bursts(vm.vcpu(0), 2);
  vm.record_touches(false);
  run_bursts(vm.vcpu(0), 1);
  const TouchLog& log = vm.vcpu(0).log();
  EXPECT_EQ(log.touches, 4u * kBurst);
  EXPECT_EQ(log.recorded, 2u * kBurst);
  EXPECT_EQ(count(log), 2u * kBurst);
  EXPECT_EQ(count(log, TouchKind::first), 0u) << "the burst before the window touched all pages";
}

TEST_F(TouchGuest, StoresReachTheHostsMemory) {
  TouchVm vm(touch_config(kPages, kBurst));
  run_bursts(vm.vcpu(0), 1);
  const TouchLog& log = vm.vcpu(0).log();
  EXPECT_NEAR(static_cast<double>(log.writes), 0.3 * kBurst, 0.1 * kBurst);
  std::uint64_t last = 0;
  for (std::uint64_t page = 0; page < kPages; ++page) last = std::max(last, stored_in(vm, page));
  EXPECT_EQ(last, log.writes);
}

TEST_F(TouchGuest, UnclockedTouchesAreCountedAlone) {
  TouchConfig config = touch_config(kPages, kBurst);
  config.clocked = false;
  TouchVm vm(config);
  vm.record_touches(true);
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(vm.vcpu(0).log().recorded, kBurst);
  EXPECT_EQ(count(vm.vcpu(0).log()), 0u);
  EXPECT_EQ(count(vm.vcpu(0).log().clock), 0u);
}

TEST_F(TouchGuest, AProgramsMmioLeavesForUserSpace) {
  TouchConfig config = touch_config(kPages, 100);
  config.guest.params = uniform_guest(kPages, 0, /*mmio_percent=*/100);
  TouchVm vm(config);
  vm.record_touches(true);
  unsigned device_exits = 0;
  for (TouchExit exit = vm.vcpu(0).run(); exit != TouchExit::burst; exit = vm.vcpu(0).run()) {
    device_exits += exit == TouchExit::device ? 1 : 0;
  }
  EXPECT_EQ(device_exits, 100u);
  EXPECT_EQ(count(vm.vcpu(0).log(), TouchKind::device), 100u);
  EXPECT_EQ(count(vm.vcpu(0).log()), 100u);
}

TEST_F(TouchGuest, AGrowingProgramBeginsAnewWhereItsMemoryEnds) {
  TouchConfig config = touch_config(kPages, kBurst);
  config.guest.params = growth_guest(kPages);
  TouchVm vm(config);
  vm.record_touches(true);
  run_bursts(vm.vcpu(0), 4);  // some 2,000 first touches of the program's
  EXPECT_EQ(count(vm.vcpu(0).log()), 4u * kBurst);
  EXPECT_EQ(count(vm.vcpu(0).log(), TouchKind::first), kPages);
}

TEST_F(TouchGuest, AfterAFlipEachPageHasOneFirstTouch) {
  TouchVm vm(touch_config(kPages, kBurst));
  run_bursts(vm.vcpu(0), 1);
  vm.record_touches(true);
  const auto zapped = statistic(vm, "mmu_shadow_zapped");
  const auto faults = statistic(vm, "pf_taken");
  for (unsigned flips = 1; flips <= 10; ++flips) {
    vm.begin_beat();
    vm.flip_memory_slot();
    vm.end_beat();
    run_bursts(vm.vcpu(0), 1);
    const TouchLog& log = vm.vcpu(0).log();
    EXPECT_EQ(count(log, TouchKind::first), flips * kPages);
    EXPECT_EQ(count(log, TouchKind::unclear), 0u) << "the guest did not run meanwhile";
    EXPECT_EQ(count(log), std::uint64_t{flips} * kBurst);
  }
  if (!faults.known) GTEST_SKIP() << "this kernel has no statistic pf_taken";
  // Not a fault a page: the shadow MMU maps up to 8 neighbours in passing.
  EXPECT_GE(statistic(vm, "pf_taken").value, faults.value + 10 * kPages / 8) << "the pages were not mapped anew";
  if (!quota_ignored_reason().empty()) GTEST_SKIP() << "mmu_shadow_zapped counts the shadow MMU's pages alone";
  if (!zapped.known) GTEST_SKIP() << "this kernel has no statistic mmu_shadow_zapped";
  EXPECT_GE(statistic(vm, "mmu_shadow_zapped").value, zapped.value + 10) << "a flip zaps a table at least";
}

TEST_F(TouchGuest, TouchesDuringABeatAreUnclearAndSoIsTheNextOneOfTheirPage) {
  TouchVm vm(touch_config(kPages, kBurst));
  run_bursts(vm.vcpu(0), 1);
  vm.record_touches(true);
  vm.begin_beat();
  run_bursts(vm.vcpu(0), 1);
  const TouchLog& log = vm.vcpu(0).log();
  EXPECT_EQ(count(log, TouchKind::unclear), kBurst);
  vm.flip_memory_slot();
  vm.end_beat();
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(count(log, TouchKind::unclear), kBurst + kPages);
  EXPECT_EQ(count(log, TouchKind::hit), kBurst - kPages);
  EXPECT_EQ(count(log, TouchKind::first), 0u);
  vm.begin_beat();
  vm.flip_memory_slot();
  vm.end_beat();
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(count(log, TouchKind::first), kPages) << "the next beat is clear again";
}

// Touches while the memory slot is away are MMIO exits, which user space must serve.
TEST_F(TouchGuest, NoTouchIsLostWhileMemorySlotsFlip) {
  constexpr unsigned kVcpus = 2, kTouches = 2000;
  constexpr int kFlips = 30;
  TouchVm vm(touch_config(kPages, kTouches, kVcpus));
  vm.record_touches(true);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> lost_slot{0}, bursts[kVcpus] = {};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kVcpus; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) {
        lost_slot += run_bursts(vm.vcpu(i), 1);
        ++bursts[i];
      }
    });
  }
  for (int flip = 0; flip < kFlips; ++flip) {
    for (unsigned i = 0; i < kVcpus; ++i) {  // each guest runs between any two flips
      for (const std::uint64_t before = bursts[i]; bursts[i] == before;) std::this_thread::yield();
    }
    vm.begin_beat();
    vm.flip_memory_slot();
    vm.end_beat();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (unsigned i = 0; i < kVcpus; ++i) {
    const TouchLog& log = vm.vcpu(i).log();
    EXPECT_GE(bursts[i], kFlips);
    EXPECT_EQ(log.touches, bursts[i] * kTouches);
    EXPECT_EQ(log.recorded, bursts[i] * kTouches);
    EXPECT_EQ(count(log), bursts[i] * kTouches);
    EXPECT_GT(count(log, TouchKind::first) + count(log, TouchKind::unclear), kPages);
  }
  RecordProperty("touches served while the slot was away", std::to_string(lost_slot.load()));
}

TEST_F(TouchGuest, AStoreIntoASlotThatIsAwayIsServedFromHere) {
  TouchVm vm(touch_config(1, 8, 1, 100));
  vm.delete_memory_slot();
  EXPECT_EQ(run_bursts(vm.vcpu(0), 1), 8u);
  EXPECT_EQ(stored_in(vm, 0), 8u);
}

struct DirtyRound {
  std::set<std::uint64_t> written;  ///< by the guest, as the host sees in the memory
  std::set<std::uint64_t> logged;
  std::uint64_t found = 0;
};

DirtyRound dirty_round(TouchVm& vm, std::uint64_t pages) {
  for (std::uint64_t page = 0; page < pages; ++page) {  // the host's stores are not the guest's: not logged
    std::memset(vm.working_set().data() + page * guest_abi::kPageBytes, 0, guest_abi::kPageBytes);
  }
  run_bursts(vm.vcpu(0), 1);
  DirtyRound round;
  vm.begin_beat();
  round.found = vm.collect_dirty_log();
  vm.end_beat();
  for (std::uint64_t page = 0; page < pages; ++page) {
    if (stored_in(vm, page) != 0) round.written.insert(page);
    if ((vm.dirty_bitmap()[page / 64] >> page % 64 & 1) != 0) round.logged.insert(page);
  }
  return round;
}

// A page that is mapped for a load is mapped writable where the host allows it, and logged at once: only once every
// page has been mapped does the log hold the stores alone.
TEST_F(TouchGuest, TheDirtyLogHoldsExactlyThePagesThatWereWritten) {
  constexpr std::uint64_t kMany = 1000;  // no multiple of 64
  TouchConfig config = touch_config(kMany, 500);
  config.log_dirty_pages = true;
  config.coverage = Coverage::writes;
  TouchVm vm(config);
  const DirtyRound mapping = dirty_round(vm, kMany);
  EXPECT_TRUE(std::ranges::includes(mapping.logged, mapping.written));
  run_bursts(vm.vcpu(0), 100);
  vm.begin_beat();
  vm.collect_dirty_log();
  vm.end_beat();
  vm.record_touches(true);
  std::uint64_t first_writes = 0;
  for (int number = 0; number < 5; ++number) {
    const DirtyRound round = dirty_round(vm, kMany);
    EXPECT_EQ(round.logged, round.written) << "round " << number;
    EXPECT_EQ(round.found, round.written.size());
    EXPECT_GT(round.found, 50u);
    first_writes += round.found;
  }
  EXPECT_EQ(count(vm.vcpu(0).log(), TouchKind::first), first_writes) << "the guest tells first writes itself";
  EXPECT_EQ(vm.collect_dirty_log(), 0u) << "nobody wrote since";
}

TEST_F(TouchGuest, DiscardedPagesAreEmptyAndTouchedAnew) {
  TouchConfig config = touch_config(kPages, kBurst, 1, 100);
  config.coverage = Coverage::ranges;
  TouchVm vm(config);
  run_bursts(vm.vcpu(0), 1);
  vm.record_touches(true);
  ASSERT_NE(stored_in(vm, 7), 0u);
  vm.begin_beat();
  vm.discard({.first = 7, .count = 20});
  vm.end_beat({.first = 7, .count = 20});
  for (std::uint64_t page = 0; page < kPages; ++page) {
    EXPECT_EQ(stored_in(vm, page) == 0, page >= 7 && page < 27) << page;
  }
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(count(vm.vcpu(0).log(), TouchKind::first), 20u);
  EXPECT_NE(stored_in(vm, 7), 0u);
}

TEST_F(TouchGuest, WhereRangesAreTakenAFlipStillConcernsAll) {
  TouchConfig config = touch_config(kPages, kBurst);
  config.coverage = Coverage::ranges;
  TouchVm vm(config);
  run_bursts(vm.vcpu(0), 1);
  vm.record_touches(true);
  vm.begin_beat();
  vm.flip_memory_slot();
  vm.end_beat();
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(count(vm.vcpu(0).log(), TouchKind::first), kPages);
}

TEST_F(TouchGuest, AQuotaRecyclesShadowPages) {
  if (const std::string reason = quota_ignored_reason(); !reason.empty()) GTEST_SKIP() << reason;
  constexpr std::uint64_t kTables = 4 * kLeastQuota;
  TouchConfig config = touch_config(kTables * 512, 8192, 1, 0);
  config.populate = false;  // loads alone: the host maps its zero page
  TouchVm vm(config);
  run_bursts(vm.vcpu(0), 1);  // touches each table: chance of a miss 256 * (255/256)^8192
  const auto recycled = statistic(vm, "mmu_recycled");
  if (!recycled.known) GTEST_SKIP() << "this kernel has no statistic mmu_recycled";
  vm.set_page_quota(kLeastQuota);
  EXPECT_GE(statistic(vm, "mmu_recycled").value, recycled.value + kTables - kLeastQuota);
}

TEST_F(TouchGuest, AGuestThatEditsPageTablesIsRefused) {
  TouchConfig config = touch_config(kPages, 1);
  config.guest.params = churn_guest(kPages, 100, 2);
  try {
    TouchVm vm(config);
    ADD_FAILURE() << "a page of RAM is no page table";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("page tables"));
  }
}

TEST_F(TouchGuest, TheGuestSaysHowLongItHalts) {
  TouchConfig config = touch_config(kPages, 10);
  config.guest.params.idle_us = 1234;
  TouchVm vm(config);
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(vm.vcpu(0).idle_us(), 1234u);
}

TEST_F(TouchGuest, WhatDoesNotFitIsRefused) {
  TouchConfig none = touch_config(kPages, 1);
  none.pages = 0;
  EXPECT_THROW(TouchVm vm(none), InputError);
  EXPECT_THROW(TouchVm(touch_config((kMaxWorkingSetBytes >> 12) + 1, 1)), InputError);
  TouchConfig config = touch_config(kMaxWorkingSetBytes >> 12, 1, 1000);
  try {
    TouchVm vm(config);
    ADD_FAILURE() << "notes of 1,000 vCPUs for 16 GiB do not fit";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("notes"));
  }
}

// A signal or immediate_exit neither loses nor repeats a touch.
TEST_F(TouchGuest, AnInterruptedBurstGoesOn) {
  TouchVm vm(touch_config(kPages, kBurst));
  std::atomic_ref(vm.vcpu(0).immediate_exit()).store(1);
  EXPECT_EQ(vm.vcpu(0).run(), TouchExit::interrupted);
  EXPECT_EQ(vm.vcpu(0).log().touches, 0u);
  std::atomic_ref(vm.vcpu(0).immediate_exit()).store(0);
  run_bursts(vm.vcpu(0), 1);
  EXPECT_EQ(vm.vcpu(0).log().touches, kBurst);
}

}  // namespace
}  // namespace shadowwalk::host_kvm
