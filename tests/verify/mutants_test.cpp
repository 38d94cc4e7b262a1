// Each bug that can be planted is found, with each variant that relies on what it breaks.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/verify/trials.hpp"
#include "tests/verify/safe_variants.hpp"

namespace shadowwalk::verify {
namespace {

using Verdict = Trial::Verdict;
using testing::HasSubstr;

std::map<std::string_view, Trial> trials_of(std::string_view variant) {
  std::map<std::string_view, Trial> trials;
  plant_each_mutant(verified_variants().at(variant), {.walkers = 1},
                    [&](const Trial& trial) { trials.emplace(trial.mutant->name, trial); });
  return trials;
}

class Mutants : public testing::TestWithParam<std::string> {};

TEST_P(Mutants, AreFoundWithWhateverReliesOnWhatTheyBreak) {
  const auto trials = trials_of(GetParam());
  const VariantInfo& info = verified_variants().at(GetParam()).info;
  const bool bounded =
      info.most_unreclaimed({.vcpus = 1, .levels = 2, .largest_batch = 2, .most_linked = 3}).has_value();
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, GetParam()) != names.end();
  };
  const bool waits_for_ipi = is({"irq-ipi", "irq-ipi-2012"});
  // The guest's hardware relies on the flush, whatever the variant.
  std::set<std::string_view> expected = {"page-freed-twice", "page-never-freed", "ipi-lost",
                                         "request-cleared-unlocked"};
  if (!is({"mutex"})) expected.insert("spte-read-twice");  // under its lock nothing is unlinked
  if (!is({"leak"})) {
    expected.insert({"request-without-barrier", "guest-entry-ignores-requests"});
    // Those look whether a walk may be used after they have read, or keep what they announced beyond its end.
    if (!is({"optimistic", "nbr", "hazard-eras"})) expected.insert("end-before-last-read");
  }
  if (waits_for_ipi) expected.insert({"second-flusher-returns-early", "gate-left-closed"});
  if (is({"irq-ipi", "irq-ipi-2012", "srcu", "gus", "ebr", "ebr-amortized", "hazard", "hazard-eras", "ibr",
          "hyaline"})) {
    expected.insert("begin-without-barrier");
  }
  // A bound above what such a small system retires cannot be broken there.
  std::set<std::string_view> out_of_reach;
  if (is({"ibr", "hyaline"})) out_of_reach = {"one-page-per-commit", "zapped-pages-kept"};
  if (is({"hazard-eras"})) out_of_reach = {"zapped-pages-kept"};
  for (const std::string_view name : {"one-page-per-commit", "zapped-pages-kept"}) {
    if (bounded && !out_of_reach.contains(name)) expected.insert(name);
  }
  for (const auto& [name, trial] : trials) {
    EXPECT_EQ(trial.verdict == Verdict::found, expected.contains(name))
        << name << ": " << verify::in_words(trial.verdict)
        << (trial.run && trial.run->failure ? ", " + trial.run->failure->what : "");
    EXPECT_EQ(trial.verdict == Verdict::out_of_reach, out_of_reach.contains(name)) << name;
    EXPECT_TRUE(trial.verdict != Verdict::not_found || trial.run->exhausted) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, Mutants, testing::ValuesIn(test::safe_variants()), test::test_name);

/// What planting one comes to.
std::string found(std::string_view variant, VerifyConfig setting, Mutant mutant) {
  setting.mutant = mutant;
  const Report report = explore(verified_variants().at(variant), setting);
  return report.failure ? report.failure->what : std::string();
}

TEST(Planted, ALostIpiIsADeadlockThatSaysWhoWaits) {
  EXPECT_THAT(found("irq-ipi", {.walkers = 1}, Mutant::ipi_lost), HasSubstr("zapper-0 waits for an acknowledgement"));
}

TEST(Planted, AnIpiThatIsNeverServedIsADeadlock) {
  EXPECT_THAT(found("irq-ipi", {.walkers = 1, .walks = 2}, Mutant::gate_left_closed), HasSubstr("deadlock"));
}

TEST(Planted, TakingMmuLockWithTheGateClosedIsToldBeforeItDeadlocks) {
  EXPECT_THAT(found("irq-ipi", {.walkers = 1, .faults = true}, Mutant::gate_left_closed),
              testing::AnyOf(HasSubstr("mmu_lock is taken with the interrupt gate closed"), HasSubstr("deadlock")));
}

TEST(Planted, ADoubleFreeIsToldOfTheVariant) {
  EXPECT_THAT(found("rcu-counter", {.walkers = 1}, Mutant::page_freed_twice), HasSubstr("double free"));
}

TEST(Planted, APageThatIsNeverFreedIsToldAtTheDrain) {
  EXPECT_THAT(found("rcu-counter", {.walkers = 1}, Mutant::page_never_freed), HasSubstr("were not freed by drain()"));
}

TEST(Planted, MorePagesThanTheBoundAreToldWhereTheyAre) {
  EXPECT_THAT(found("hazard", {.walkers = 1, .zaps = 2, .pages = 3}, Mutant::zapped_pages_kept),
              HasSubstr("2 pages are unreclaimed after a commit: it claims 1 at most"));
}

}  // namespace
}  // namespace shadowwalk::verify
