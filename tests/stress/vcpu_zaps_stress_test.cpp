// vCPU threads that zap, as write flooding and the page quota make them, beside vCPUs that only walk.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "harness/machine/native_machine.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/watched_variant.hpp"
#include "harness/mmu/zapper.hpp"
#include "variants/controls/leak.hpp"
#include "variants/epochs/debra.hpp"
#include "variants/epochs/qsbr.hpp"
#include "variants/kernel/irq_ipi.hpp"
#include "variants/kernel/irq_ipi_2012.hpp"
#include "variants/kernel/rcu_counter.hpp"
#include "variants/locks/mutex.hpp"
#include "variants/optimistic/nbr.hpp"
#include "variants/pointers/hazard.hpp"
#include "variants/pointers/hazard_eras.hpp"
#include "variants/pointers/hazard_pop.hpp"
#include "variants/pointers/hyaline.hpp"
#include "variants/pointers/ibr.hpp"
#include "variants/pointers/refcount.hpp"

namespace shadowwalk {
namespace {

template <template <class> class Variant>
void walk_and_zap_on_every_vcpu() {
  using Watching = Watched<Variant, MeasuredGeometry::kLevels>;
  using Tree = ShadowTree<NativeMachine, Watching::template Of, MeasuredGeometry>;
  constexpr unsigned kVcpus = 3;
  constexpr Gfn kGfns = 2000;
  constexpr int kLeastRounds = 8;  // each kind of zap, twice
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  Window window;
  NativeMachine machine(kVcpus);
  // Not the ticket lock: with more vCPUs than CPUs each fault would wait for a turn of the scheduler.
  Tree tree(machine, MmuLockKind::mutex, window, 1 << 18);
  std::atomic<std::uint64_t> violations{0};
  std::latch finished(kVcpus);
  std::vector<std::thread> threads;
  for (unsigned index = 0; index < kVcpus; ++index) {
    threads.emplace_back([&, index] {
      Vcpu& vcpu = *machine.vcpus()[index];
      vcpu.bind("vcpu-" + std::to_string(index));
      {
        VcpuMmu<Tree> mmu(tree, vcpu, ReadDelay{}, index + 1);
        Zapper<Tree> zapper(tree);
        std::uint64_t random = index + 1;
        for (int round = 0; round < kLeastRounds || std::chrono::steady_clock::now() < end; ++round) {
          for (int i = 0; i < 300; ++i) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const Gfn gfn = (random >> 33) % kGfns;
            if (mmu.template walk<true, false>(gfn, LeafKind::ram_write) != VcpuMmu<Tree>::Walked::served) {
              mmu.fault(gfn, LeafKind::ram_write);
            }
          }
          if (index != 0) {
            switch (round % 4) {
              case 0:
                zapper.zap_page((random >> 40) % kGfns, 1 + round % 3);
                break;
              case 1:
                zapper.recycle(2);
                break;
              case 2:
                zapper.write_protect(0, kGfns);
                break;
              case 3:
                zapper.zap_all();
                break;
            }
          }
          if ((vcpu.take_requests() & kRequestReloadRoot) != 0) mmu.reload_root();
        }
        violations += mmu.counts().violations;
      }
      finished.arrive_and_wait();  // nobody is interrupted after it has gone
      vcpu.unbind();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(violations.load(), 0u);
  Zapper<Tree>(tree).zap_all();
  tree.variant().drain();
  EXPECT_EQ(tree.footprint().shadow(), 0u);
  EXPECT_EQ(tree.variant().account().first_complaint(), "") << "bound " << tree.variant().account().bound().value_or(0);
}

TEST(VcpuThatZaps, RcuCounter) { walk_and_zap_on_every_vcpu<RcuCounter>(); }
TEST(VcpuThatZaps, IrqIpi) { walk_and_zap_on_every_vcpu<IrqIpi>(); }
TEST(VcpuThatZaps, IrqIpi2012) { walk_and_zap_on_every_vcpu<IrqIpi2012>(); }
TEST(VcpuThatZaps, Hazard) { walk_and_zap_on_every_vcpu<Hazard>(); }
TEST(VcpuThatZaps, Mutex) { walk_and_zap_on_every_vcpu<Mutex>(); }
TEST(VcpuThatZaps, Leak) { walk_and_zap_on_every_vcpu<Leak>(); }
// Each that claims a bound on unreclaimed pages, which is watched here; and one of each way to defer.
TEST(VcpuThatZaps, HazardPop) { walk_and_zap_on_every_vcpu<HazardPop>(); }
TEST(VcpuThatZaps, HazardEras) { walk_and_zap_on_every_vcpu<HazardEras>(); }
TEST(VcpuThatZaps, Ibr) { walk_and_zap_on_every_vcpu<Ibr>(); }
TEST(VcpuThatZaps, Hyaline) { walk_and_zap_on_every_vcpu<Hyaline>(); }
TEST(VcpuThatZaps, RefCount) { walk_and_zap_on_every_vcpu<RefCount>(); }
TEST(VcpuThatZaps, Nbr) { walk_and_zap_on_every_vcpu<Nbr>(); }
TEST(VcpuThatZaps, Qsbr) { walk_and_zap_on_every_vcpu<Qsbr>(); }
TEST(VcpuThatZaps, Debra) { walk_and_zap_on_every_vcpu<Debra>(); }

}  // namespace
}  // namespace shadowwalk
