#pragma once

// What every variant must do, whatever its scheme: one typed suite, which the build instantiates for each that ships.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <latch>
#include <thread>

#include "harness/machine/cpu.hpp"
#include "tests/rounds.hpp"
#include "tests/variants/fake_environment.hpp"

namespace shadowwalk {

inline constexpr SpteWord kAddress = 0x7000;

template <class Variant>
class VariantSuite : public testing::Test {
 protected:
  using Node = typename Variant::Node;
  using Page = VariantPage<Node>;

  VariantSuite() : environment(machine, lock), variant(environment), page(environment.page_at(kAddress)) {
    variant.birth(page);
    slot.store(kAddress | kSptePresent);
  }
  ~VariantSuite() override { EXPECT_FALSE(environment.double_free()); }

  void SetUp() override {
    if (!Variant::kInfo.needs_membarrier) return;
    if (const std::string reason = register_membarrier(); !reason.empty()) GTEST_SKIP() << reason;
  }

  /// A zap of `page`, as the MMU does it: mmu_lock, clear the slot, commit.
  void zap() {
    const std::lock_guard guard(lock);
    slot.store(0, std::memory_order_relaxed);
    PageBatch<Node> batch;
    batch.push_back(page);
    variant.commit(std::move(batch));
  }

  NativeMachine machine{2};
  MmuLock lock;
  FakeEnvironment<Node> environment;
  Variant variant;
  Page& page;
  std::atomic<SpteWord> slot{0};
};

TYPED_TEST_SUITE_P(VariantSuite);

TYPED_TEST_P(VariantSuite, SaysWhatItIsInWords) {
  const VariantInfo& info = TypeParam::kInfo;
  for (const std::string_view text :
       {info.name, info.summary, info.source, info.read_side_cost, info.unreclaimed_bound, info.needs}) {
    EXPECT_FALSE(text.empty());
  }
}

TYPED_TEST_P(VariantSuite, BoundsUnreclaimedPagesByANumberAsInWords) {
  const VariantInfo& info = TypeParam::kInfo;
  ASSERT_NE(info.most_unreclaimed, nullptr) << "a bound is claimed, or said not to be";
  const auto most = info.most_unreclaimed(
      {.vcpus = this->machine.vcpus().size(), .levels = 4, .largest_batch = 10, .most_linked = 100});
  EXPECT_EQ(info.unreclaimed_bound.starts_with("none"), !most);
  EXPECT_EQ(info.unreclaimed_bound.starts_with("0"), most == 0u);
}

TYPED_TEST_P(VariantSuite, ReadsWhatTheSlotHolds) {
  std::thread vcpu([&] {
    this->machine.vcpus()[0]->bind("vcpu-0");
    {
      typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
      for (int round = 0; round < 3; ++round) {
        walker.begin();
        EXPECT_EQ(walker.read(this->slot, 2), kAddress | kSptePresent);
        EXPECT_TRUE(walker.end());
        walker.offline();
        walker.online();
      }
      walker.offline();
    }
    this->machine.vcpus()[0]->unbind();
  });
  vcpu.join();
}

TYPED_TEST_P(VariantSuite, DrainFreesEveryPageOnce) {
  this->zap();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

TYPED_TEST_P(VariantSuite, CommitFlushesVcpusInGuestMode) {
  std::atomic<bool> in_guest{false};
  std::atomic<bool> done{false};
  std::uint8_t immediate_exit = 0;
  Vcpu& vcpu = *this->machine.vcpus()[1];
  vcpu.set_immediate_exit(&immediate_exit);
  std::thread guest([&] {
    vcpu.bind("vcpu-1");
    ASSERT_TRUE(vcpu.enter_guest_mode());
    in_guest = true;
    while (!done) std::this_thread::yield();
    vcpu.unbind();
  });
  while (!in_guest) std::this_thread::yield();
  this->zap();
  EXPECT_EQ(vcpu.mode.load(), VcpuMode::exiting);
  EXPECT_EQ(std::atomic_ref(immediate_exit).load(), 1);
  done = true;
  guest.join();
  this->variant.drain();
}

/// The page is reachable when the walker's section begins, and zapped while it is inside: not freed before it ends, or
/// its end says that nothing may be used. (`unsafe` frees it, which shows that this test can fail.)
TYPED_TEST_P(VariantSuite, NeverFreesUnderAWalker) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::atomic<bool> committed{false};
  std::latch finished(2);  // no vCPU is interrupted after its end
  std::thread vcpu([&] {
    this->machine.vcpus()[0]->bind("vcpu-0");
    {
      typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
      walker.begin();
      EXPECT_EQ(walker.read(this->slot, 2), kAddress | kSptePresent);
      inside = true;
      while (!leave) std::this_thread::yield();
      const bool freed = this->environment.is_freed(this->page);
      if (walker.end() && TypeParam::kInfo.safe) {
        EXPECT_FALSE(freed) << "a result was used that a freed page may be in";
      }
      walker.offline();
    }
    finished.arrive_and_wait();
    this->machine.vcpus()[0]->unbind();
  });
  while (!inside) std::this_thread::yield();
  std::thread zapper([&] {
    Cpu cpu;
    cpu.bind("zapper-0");
    this->zap();
    committed = true;
    finished.arrive_and_wait();
    cpu.unbind();
  });
  // Long enough for a wrong variant to free; a right one cannot, however long it takes.
  for (int i = 0; i < 100 && !committed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (TypeParam::kInfo.name == "unsafe") {
    EXPECT_TRUE(this->environment.is_freed(this->page)) << "the negative control must do harm";
  }
  leave = true;
  zapper.join();
  vcpu.join();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

/// A commit that waits must not wait for a vCPU that waits for the lock which the committer holds: offline.
TYPED_TEST_P(VariantSuite, WaitsForNobodyWhoIsOffline) {
  typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
  walker.begin();
  walker.read(this->slot, 2);
  walker.end();
  walker.offline();
  this->zap();  // on this very thread: it hangs if it waits
  walker.online();
  walker.begin();
  EXPECT_EQ(walker.read(this->slot, 2), 0u) << "came online after the unlink, and sees it";
  walker.end();
  walker.offline();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

/// What a section has protected does not hold up what is retired in later ones.
TYPED_TEST_P(VariantSuite, SectionsMayComeBackToBack) {
  typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
  for (int round = 0; round < 1000; ++round) {
    walker.begin();
    EXPECT_EQ(walker.read(this->slot, 2), kAddress | kSptePresent);
    EXPECT_EQ(walker.read(this->slot, 1), kAddress | kSptePresent) << "a leaf is no table";
    EXPECT_TRUE(walker.end());
  }
  walker.offline();
  this->zap();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

/// A vCPU's thread ends after its last section, whatever it announced there; another one takes its place. No
/// scheme waits for a thread that has ended.
TYPED_TEST_P(VariantSuite, VcpusComeAndGo) {
  for (int generation = 0; generation < 3; ++generation) {
    std::thread vcpu([&] {
      this->machine.vcpus()[1]->bind("vcpu-1");
      {
        typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[1]);
        walker.begin();
        walker.read(this->slot, 2);
        walker.end();
        walker.offline();
      }
      this->machine.vcpus()[1]->unbind();
    });
    vcpu.join();
  }
  this->zap();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

/// What it retired may still wait for a grace period, a scan or a later commit when its thread ends: RCU callbacks,
/// retired lists and limbo bags belong to no thread.
TYPED_TEST_P(VariantSuite, AZapperMayGoBeforeItsPagesAreFree) {
  std::thread zapper([&] {
    Cpu cpu;
    cpu.bind("zapper-0");
    this->zap();
    cpu.unbind();
  });
  zapper.join();
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), 1u);
}

/// A vCPU walks to pages that come and go, while the signal that carries IPIs reaches it anywhere, without a
/// request.
TYPED_TEST_P(VariantSuite, SignalsMayComeInTheMiddleOfEverything) {
  constexpr std::size_t kPages = test::rounds(300);
  this->slot.store(0);
  Vcpu& vcpu = *this->machine.vcpus()[0];
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> harmed{0};
  std::thread walking([&] {
    vcpu.bind("vcpu-0");
    {
      typename TypeParam::Walker walker(this->variant, vcpu);
      for (unsigned round = 0; !stop; ++round) {
        walker.begin();
        const SpteWord spte = walker.read(this->slot, 2);
        const bool freed = spte_is_present(spte) && this->environment.is_freed(spte_address(spte));
        if (walker.end() && freed) ++harmed;
        if (round % 16 == 0) {
          walker.offline();
          walker.online();
        }
      }
      walker.offline();
    }
    vcpu.unbind();
  });
  while (vcpu.tid() == 0) std::this_thread::yield();
  std::atomic<bool> quiet{false};
  std::thread signalling([&] {
    while (!quiet) {
      syscall(SYS_tgkill, getpid(), vcpu.tid(), ipi_signal());
      std::this_thread::yield();
    }
  });
  for (std::size_t i = 0; i < kPages; ++i) {
    auto& zapped = this->environment.page_at((i + 100) << 12);
    const std::lock_guard guard(this->lock);
    this->variant.birth(zapped);
    this->slot.store(zapped.address | kSptePresent, std::memory_order_release);
    if (zapped.address % 3 == 0) std::this_thread::yield();
    this->slot.store(0, std::memory_order_relaxed);
    PageBatch<typename TypeParam::Node> batch;
    batch.push_back(zapped);
    this->variant.commit(std::move(batch));
  }
  quiet = true;
  signalling.join();
  stop = true;
  walking.join();
  this->variant.drain();
  if (TypeParam::kInfo.safe) {
    EXPECT_EQ(harmed.load(), 0u);
  }
  EXPECT_EQ(this->environment.freed(), kPages);
}

TYPED_TEST_P(VariantSuite, BatchOfManyPages) {
  constexpr std::size_t kPages = 1000;
  {
    const std::lock_guard guard(this->lock);
    PageBatch<typename TypeParam::Node> batch;
    for (std::size_t i = 0; i < kPages; ++i) {
      auto& one = this->environment.page_at((i + 100) << 12);
      this->variant.birth(one);
      batch.push_back(one);
    }
    this->variant.commit(std::move(batch));
  }
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), kPages);
}

REGISTER_TYPED_TEST_SUITE_P(VariantSuite, SaysWhatItIsInWords, BoundsUnreclaimedPagesByANumberAsInWords,
                            ReadsWhatTheSlotHolds, DrainFreesEveryPageOnce, CommitFlushesVcpusInGuestMode,
                            NeverFreesUnderAWalker, WaitsForNobodyWhoIsOffline, SectionsMayComeBackToBack,
                            VcpusComeAndGo, AZapperMayGoBeforeItsPagesAreFree, SignalsMayComeInTheMiddleOfEverything,
                            BatchOfManyPages);

}  // namespace shadowwalk
