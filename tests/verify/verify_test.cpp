#include "harness/verify/verify.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/machine/sanitizers.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::MemoryModel;
using simulation::Site;
using testing::ElementsAre;
using testing::HasSubstr;

Report verify(std::string_view variant, const Setting& setting) { return find_verified(variant)->verify(setting); }

class SafeVariant : public testing::TestWithParam<std::string> {
 protected:
  static void expect_sound(Setting setting) {
#ifdef SHADOWWALK_ASAN
    setting.most_executions = 200;  // of the search's own memory a sanitizer sees all there is to see in a few
#endif
    const Report report = verify(GetParam(), setting);
    EXPECT_TRUE(report.exhausted || report.executions == setting.most_executions);
    EXPECT_FALSE(report.failure) << report.failure->what;
    EXPECT_GT(report.executions, 1u);
  }
};

TEST_P(SafeVariant, NoScheduleOfTwoWalkersAndAZapperGoesWrong) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    expect_sound({.memory = memory});
  }
}

TEST_P(SafeVariant, NoScheduleGoesWrongWhereThePageIsBuiltAgain) {
  expect_sound({.walkers = 1, .walks = 2, .faults = true});
}

TEST_P(SafeVariant, NoScheduleGoesWrongWithGuests) { expect_sound({.walkers = 1, .walks = 2, .guest = true}); }

TEST_P(SafeVariant, NoScheduleOfTwoZappersGoesWrong) { expect_sound({.walkers = 1, .zappers = 2}); }

// What is retired by one zap is freed by a later one: the part that deferring schemes show in no smaller system.
TEST_P(SafeVariant, NoScheduleOfTheFirstThousandsGoesWrongWhereThePageIsZappedTwice) {
  expect_sound({.walkers = 1, .walks = 2, .zaps = 2, .faults = true, .most_executions = 4000});
}

TEST_P(SafeVariant, NoRandomScheduleOfALargerSystemGoesWrong) {
  const Report report = verify(
      GetParam(), {.walkers = 3, .zappers = 2, .walks = 2, .zaps = 2, .faults = true, .guest = true, .random = 200});
  EXPECT_EQ(report.executions, 200u);
  EXPECT_FALSE(report.exhausted) << "random schedules prove nothing";
  EXPECT_FALSE(report.failure) << report.failure->what;
}

std::vector<std::string> safe_variants() {
  std::vector<std::string> names;
  for (const VerifiedVariant& variant : verified_variants()) {
    if (variant.info.safe) names.emplace_back(variant.info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Shipped, SafeVariant, testing::ValuesIn(safe_variants()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Verify, UnsafeFailsAtOnceInEveryMemoryModel) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    const Report report = verify("unsafe", {.memory = memory});
    ASSERT_TRUE(report.failure);
    EXPECT_THAT(report.failure->what, HasSubstr("freed"));
    EXPECT_LT(report.executions, 20u);
  }
}

TEST(Verify, RandomSchedulesFindUnsafeToo) { EXPECT_TRUE(verify("unsafe", {.walks = 2, .random = 1000}).failure); }

// Which of the negative twins verification catches, and where: all of them. (The stress test has one, too.)
TEST(NegativeTwin, AMissingFenceShowsWithStoreBuffersOnly) {
  for (const char* twin : {"irq-ipi-nofence", "ebr-nofence"}) {
    EXPECT_TRUE(verify(twin, {.memory = MemoryModel::tso}).failure) << twin;
    const Report report = verify(twin, {.memory = MemoryModel::sc});
    EXPECT_FALSE(report.failure) << twin;
    EXPECT_TRUE(report.exhausted) << twin;
  }
}
TEST(NegativeTwin, AMissingValidationShowsInEveryMemoryModel) {
  for (const MemoryModel memory : {MemoryModel::sc, MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_TRUE(verify("hazard-novalidate", {.memory = memory}).failure);
  }
}
TEST(NegativeTwin, AnEarlyReturnTakesASecondZapOfAPageThatWasBuiltAgain) {
  EXPECT_FALSE(verify("irq-ipi-early-return", {}).failure) << "the first flush is asked for by nobody else";
  EXPECT_TRUE(verify("irq-ipi-early-return", {.walkers = 1, .walks = 2, .zaps = 2, .faults = true}).failure);
}

TEST(Verify, AFailureIsToldAsAStory) {
  const Report report = verify("unsafe", {.walkers = 1});
  ASSERT_TRUE(report.failure);
  EXPECT_THAT(report.failure->cpus, ElementsAre("walker-0", "zapper-0"));
  const auto said = [&](unsigned cpu, const std::string& text) {
    return std::ranges::any_of(report.failure->story,
                               [&](const StoryLine& line) { return line.cpu == cpu && line.text == text; });
  };
  EXPECT_TRUE(said(0, "reads page 0[0] = page 1"));
  EXPECT_TRUE(said(1, "buffers page 0[0] = 0"));
  EXPECT_TRUE(said(1, "  all see page 1[0] = poison"));
  EXPECT_TRUE(said(0, "reads page 1[0] = poison"));
}

TEST(Verify, AnExplorationStopsAtItsBound) {
  const Report report = verify("rcu-counter", {.most_executions = 10});
  EXPECT_EQ(report.executions, 10u);
  EXPECT_FALSE(report.exhausted);
}

/// The sites of a file without which some schedule of a variant goes wrong, in order.
std::vector<Site::Kind> needed(std::string_view variant, const std::string& file, Setting setting) {
  std::vector<Site::Kind> kinds;
  for (const Site& site : verify(variant, setting).sites) {
    if (!site.file.ends_with(file)) continue;
    setting.weakened = site;
    const Report report = verify(variant, setting);
    EXPECT_TRUE(report.failure || report.exhausted);
    if (report.failure) kinds.push_back(site.kind);
  }
  return kinds;
}

// The walker's half of the store buffering is needed. So is the freer's; but on x86 any locked operation between the
// unlink and the look at walkers is a full barrier, and a TLB flush's requests are such.
TEST(WeakenedVariant, TheWalkersFullBarrierIsNeeded) {
  for (const MemoryModel memory : {MemoryModel::tso, MemoryModel::pso}) {
    EXPECT_THAT(needed("irq-ipi", "variants/kernel/irq_ipi.hpp", {.walkers = 1, .memory = memory}),
                ElementsAre(Site::Kind::exchange));
    EXPECT_THAT(needed("hazard", "variants/pointers/hazard_scheme.hpp", {.walkers = 1, .memory = memory}),
                ElementsAre(Site::Kind::exchange));
    EXPECT_THAT(needed("irq-ipi-2012", "variants/kernel/irq_ipi_2012.hpp", {.walkers = 1, .memory = memory}),
                ElementsAre(Site::Kind::full_fence));
  }
}

// The freer's half of an asymmetric fence is the only barrier there is.
TEST(WeakenedVariant, MembarrierIsNeeded) {
  EXPECT_THAT(needed("mode-membarrier", "variants/kernel/mode_membarrier.hpp", {.walkers = 1}),
              ElementsAre(Site::Kind::full_fence));
  EXPECT_THAT(needed("hazard-asym", "variants/pointers/hazard_scheme.hpp", {.walkers = 1}),
              ElementsAre(Site::Kind::full_fence));
}

TEST(WeakenedVariant, AnnouncementsNeedTheirBarrier) {
  for (const auto& [variant, file] :
       {std::pair("ebr", "variants/epochs/epoch_scheme.hpp"), std::pair("gus", "variants/kernel/gus.hpp"),
        std::pair("ibr", "variants/pointers/ibr.hpp"), std::pair("hazard-eras", "variants/pointers/hazard_eras.hpp")}) {
    EXPECT_THAT(needed(variant, file, {.walkers = 1}), testing::Contains(Site::Kind::exchange)) << variant;
  }
  // Alone, a walker advances the epoch each time, by a locked operation.
  EXPECT_THAT(needed("debra", "variants/epochs/debra.hpp", {.walkers = 2}), testing::Contains(Site::Kind::exchange));
  EXPECT_THAT(needed("srcu", "variants/kernel/srcu.hpp", {.walkers = 1}), testing::Contains(Site::Kind::full_fence));
  EXPECT_THAT(needed("qsbr", "variants/epochs/qsbr.hpp", {.walkers = 1, .walks = 2, .guest = true}),
              ElementsAre(Site::Kind::exchange))
      << "coming online; a section has no barrier at all";
}

// Where stores are reordered, the entry of a page that is built again may be seen before its table was cleared.
TEST(WeakenedVariant, LinkingAPageNeedsItsReleaseWhereStoresAreReordered) {
  const std::string tree = "harness/mmu/shadow_tree.hpp";
  EXPECT_THAT(needed("irq-ipi", tree, {.faults = true, .memory = MemoryModel::pso}),
              ElementsAre(Site::Kind::release_store));
  EXPECT_THAT(needed("irq-ipi", tree, {.faults = true, .memory = MemoryModel::tso}), testing::IsEmpty());
}

TEST(WeakenedVariant, NoBarrierIsNeededWithoutStoreBuffers) {
  EXPECT_THAT(needed("irq-ipi", "variants/kernel/irq_ipi.hpp", {.walkers = 1, .memory = MemoryModel::sc}),
              testing::IsEmpty());
  EXPECT_THAT(needed("irq-ipi-2012", "variants/kernel/irq_ipi_2012.hpp", {.walkers = 1, .memory = MemoryModel::sc}),
              testing::IsEmpty());
  EXPECT_THAT(needed("hazard", "variants/pointers/hazard_scheme.hpp", {.walkers = 1, .memory = MemoryModel::sc}),
              testing::IsEmpty());
}

}  // namespace
}  // namespace shadowwalk::verify
