// Which barriers, orderings, gates and IPIs are needed on the simulated machine, variant by variant: a change of any
// verdict fails here.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/verify/trials.hpp"
#include "tests/verify/safe_variants.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::MemoryModel;
using simulation::Site;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Sites = std::set<std::string>;

/// The sites without which some schedule goes wrong, as "exchange variants/kernel/irq_ipi.hpp".
Sites needed(std::string_view variant, const VerifyConfig& setting) {
  const VariantEntry& verified = verified_variants().at(variant);
  Sites names;
  weaken_each(verified, setting, explore(verified, setting).sites, [&](const Trial& trial) {
    if (trial.verdict == Trial::Verdict::needed) {
      names.insert(std::string(in_words(trial.site->kind)) + " " + trial.site->file);
    } else if (trial.verdict == Trial::Verdict::not_needed) {
      EXPECT_TRUE(trial.run->exhausted);
    }
  });
  return names;
}

/// What a scheme itself needs, on x86: with one vCPU that enters the guest, walks, and does both again.
const std::map<std::string_view, Sites> kNeeded = {
    {"rcu-counter", {"TLB flush variants/kernel/rcu_counter.hpp"}},
    {"irq-ipi",
     {"TLB flush variants/kernel/irq_ipi.hpp", "exchange variants/kernel/irq_ipi.hpp",
      "interrupt gate variants/kernel/irq_ipi.hpp"}},
    {"irq-ipi-2012",
     {"TLB flush variants/kernel/irq_ipi.hpp", "full fence variants/kernel/irq_ipi_2012.hpp",
      "interrupt gate variants/kernel/irq_ipi_2012.hpp"}},
    {"hazard", {"TLB flush variants/pointers/hazard_scheme.hpp", "exchange variants/pointers/hazard_scheme.hpp"}},
    {"mutex", {"TLB flush variants/locks/mutex.hpp"}},
    {"mode-membarrier",
     {"TLB flush variants/kernel/mode_membarrier.hpp", "full fence variants/kernel/mode_membarrier.hpp"}},
    {"rcu", {"TLB flush variants/kernel/rcu.hpp"}},
    {"rcu-batch", {"TLB flush variants/kernel/rcu_batch.hpp"}},
    {"rcu-expedited", {"TLB flush variants/kernel/rcu_expedited.hpp"}},
    {"srcu", {"TLB flush variants/kernel/srcu.hpp", "full fence variants/kernel/srcu.hpp"}},
    {"gus", {"TLB flush variants/kernel/gus.hpp", "exchange variants/kernel/gus.hpp"}},
    {"qsbr", {"TLB flush variants/epochs/qsbr.hpp", "exchange variants/epochs/qsbr.hpp"}},
    {"ebr", {"TLB flush variants/epochs/epoch_scheme.hpp", "exchange variants/epochs/epoch_scheme.hpp"}},
    {"ebr-amortized", {"TLB flush variants/epochs/epoch_scheme.hpp", "exchange variants/epochs/epoch_scheme.hpp"}},
    // Alone, a walker advances the epoch each time, by a locked operation.
    {"debra", {"TLB flush variants/epochs/debra.hpp"}},
    {"hazard-asym",
     {"TLB flush variants/pointers/hazard_scheme.hpp", "full fence variants/pointers/hazard_scheme.hpp"}},
    // The walker's hazards are published by the IPI; coming online is its own barrier.
    {"hazard-pop", {"TLB flush variants/pointers/hazard_scheme.hpp", "exchange variants/pointers/hazard_scheme.hpp"}},
    {"hazard-eras", {"TLB flush variants/pointers/era_scheme.hpp", "exchange variants/pointers/hazard_eras.hpp"}},
    {"ibr", {"TLB flush variants/pointers/era_scheme.hpp", "exchange variants/pointers/ibr.hpp"}},
    {"hyaline", {"TLB flush variants/pointers/hyaline.hpp", "exchange variants/pointers/hyaline.hpp"}},
    {"refcount", {"TLB flush variants/pointers/refcount.hpp"}},
    {"optimistic", {"TLB flush variants/optimistic/optimistic.hpp"}},
    {"nbr", {"TLB flush variants/optimistic/nbr.hpp", "exchange variants/optimistic/nbr.hpp"}},
    {"rwlock", {"TLB flush variants/locks/rwlock.hpp"}},
    {"spinlock", {"TLB flush variants/locks/spinlock.hpp"}},
    {"leak", {}},
};
/// What the engine's flush needs, with every scheme that frees: the guest's hardware walks, too.
const Sites kNeededByFlush = {"IPI harness/machine/request_all_cpus.hpp",
                              "wait for IPI harness/machine/request_all_cpus.hpp", "exchange harness/machine/vcpu.hpp"};

class NeededBarriers : public testing::TestWithParam<std::string> {};

TEST_P(NeededBarriers, AreTheseAndNoOthers) {
  const Sites found = needed(GetParam(), {.walkers = 1, .walks = 2, .guest = true});
  const auto expected = kNeeded.find(GetParam());
  ASSERT_NE(expected, kNeeded.end()) << "a new variant needs a row: " << testing::PrintToString(found);
  Sites all = expected->second;
  if (GetParam() != "leak") all.insert(kNeededByFlush.begin(), kNeededByFlush.end());
  EXPECT_EQ(found, all);
}

INSTANTIATE_TEST_SUITE_P(Shipped, NeededBarriers, testing::ValuesIn(test::safe_variants()), test::test_name);

// The walker's half of the store buffering is needed. So is the freer's; but on x86 any locked operation between the
// unlink and the look at walkers is a full barrier, and a TLB flush's requests are such.
TEST(NeededBarriers, AreTheSameWhereStoresAreReordered) {
  const VerifyConfig setting{.walkers = 1, .memory = MemoryModel::pso};
  EXPECT_THAT(needed("irq-ipi", setting), Contains("exchange variants/kernel/irq_ipi.hpp"));
  EXPECT_THAT(needed("hazard", setting), ElementsAre("exchange variants/pointers/hazard_scheme.hpp"));
  EXPECT_THAT(needed("irq-ipi-2012", setting), Contains("full fence variants/kernel/irq_ipi_2012.hpp"));
}

// Where stores are reordered, the entry of a page that is built again may be seen before its table was cleared.
TEST(NeededBarriers, LinkingAPageNeedsItsReleaseWhereStoresAreReordered) {
  const std::string link = "release store harness/mmu/shadow_tree.hpp";
  EXPECT_THAT(needed("irq-ipi", {.faults = true, .memory = MemoryModel::pso}), Contains(link));
  EXPECT_THAT(needed("irq-ipi", {.faults = true}), Not(Contains(link)));
}

TEST(NeededBarriers, DebrasAnnouncementNeedsItsBarrierBesideAnotherWalker) {
  EXPECT_THAT(needed("debra", {.walkers = 2}), Contains("exchange variants/epochs/debra.hpp"));
}

TEST(NeededBarriers, NoneIsNeededWithoutStoreBuffersButGatesAndIpisAre) {
  const VerifyConfig setting{.walkers = 1, .memory = MemoryModel::sc};
  EXPECT_THAT(
      needed("irq-ipi", setting),
      ElementsAre("IPI harness/machine/request_all_cpus.hpp", "TLB flush variants/kernel/irq_ipi.hpp",
                  "interrupt gate variants/kernel/irq_ipi.hpp", "wait for IPI harness/machine/request_all_cpus.hpp"));
  EXPECT_THAT(needed("hazard", setting), IsEmpty());
}

}  // namespace
}  // namespace shadowwalk::verify
