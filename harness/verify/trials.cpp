#include "harness/verify/trials.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "harness/lab/registry.hpp"
#include "harness/simulation/random_schedule.hpp"
#include "harness/verify/explore.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Site;
using Verdict = Trial::Verdict;

Trial try_weakened(const VariantEntry& variant, VerifyConfig config, const Site& site) {
  config.weakened = site;
  if (!why_no_effect(site.kind).empty())
    return {.verdict = Verdict::no_effect, .site = site, .config = config, .run = {}};
  Report report = explore(variant, config);
  return {.verdict = report.failure ? Verdict::needed : Verdict::not_needed,
          .site = site,
          .config = config,
          .run = std::move(report)};
}

/// What the variant claims on the simulated machine, where schemes scan after each retired page.
std::optional<std::size_t> most_unreclaimed(const VariantEntry& variant, const VerifyConfig& config) {
  const ReclamationLoad load{.vcpus = config.walkers, .levels = 2, .largest_batch = 1, .most_linked = config.pages};
  std::optional<std::size_t> most;
  simulation::RandomSchedule any(config.seed, 1, 1);
  run_once(variant, config, any, {.made = [&](auto&, AnySystem& system) { most = system.most_unreclaimed(load); }});
  return most;
}

/// The most pages that the zaps of a config retire: the page of each, or all that is there.
std::size_t most_retired(const VerifyConfig& config) {
  const std::size_t zaps = std::size_t{config.zappers} * config.zaps;
  const std::size_t all = config.zap_all ? config.zappers : 0;  // each zapper's last
  return (zaps - all) + all * config.pages;
}

Trial try_mutant(const VariantEntry& variant, VerifyConfig config, const MutantInfo& mutant) {
  mutant.reach(config);
  if (mutant.needs_bound) {
    const std::optional<std::size_t> most = most_unreclaimed(variant, config);
    if (!most) return {.verdict = Verdict::nothing_claimed, .mutant = &mutant, .config = config, .run = {}};
    if (*most >= most_retired(config)) {
      return {.verdict = Verdict::out_of_reach, .mutant = &mutant, .config = config, .run = {}};
    }
  }
  config.mutant = mutant.mutant;
  Report report = explore(variant, config);
  const Verdict verdict = report.failure         ? Verdict::found
                          : report.passed_mutant ? Verdict::not_found
                                                 : Verdict::not_reached;
  return {.verdict = verdict, .mutant = &mutant, .config = config, .run = std::move(report)};
}

}  // namespace

std::string_view in_words(Verdict verdict) {
  constexpr std::array<std::string_view, 8> kWords = {"needed",    "not needed",  "no effect", "found",
                                                      "not found", "not reached", "no claim",  "out of reach"};
  static_assert(static_cast<std::size_t>(Verdict::out_of_reach) + 1 == kWords.size());
  return kWords[static_cast<std::size_t>(verdict)];
}

std::string_view why_no_effect(Site::Kind kind) {
  if (kind == Site::Kind::read_modify_write) return "x86 locks it whatever its order";
  if (kind == Site::Kind::acquire_load) return "loads are not reordered";
  return {};
}

bool of_the_lab(const Site& site) {
  return site.file.starts_with("harness/simulation/") || site.file.starts_with("harness/verify/") ||
         site.file == "harness/machine/basic_machine.hpp" || site.file == "harness/mmu/watched_variant.hpp";
}

void weaken_each(const VariantEntry& variant, const VerifyConfig& config, const std::set<Site>& sites,
                 const OnTrial& on_trial) {
  for (const Site& site : sites) {
    if (of_the_lab(site)) continue;
    on_trial(try_weakened(variant, config, site));
  }
}

void plant_each_mutant(const VariantEntry& variant, const VerifyConfig& config, const OnTrial& on_trial) {
  for (const MutantInfo& mutant : mutants()) on_trial(try_mutant(variant, config, mutant));
}

}  // namespace shadowwalk::verify
