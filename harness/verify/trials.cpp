#include "harness/verify/trials.hpp"

namespace shadowwalk::verify {
namespace {

using simulation::Site;
using Verdict = Trial::Verdict;

Trial try_weakened(const VerifiedVariant& variant, VerifyConfig config, const Site& site) {
  config.weakened = site;
  if (!why_no_effect(site.kind).empty())
    return {.verdict = Verdict::no_effect, .site = site, .config = config, .run = {}};
  Report report = variant.verify(config);
  return {.verdict = report.failure ? Verdict::needed : Verdict::not_needed,
          .site = site,
          .config = config,
          .run = std::move(report)};
}

Trial try_mutant(const VerifiedVariant& variant, VerifyConfig config, const MutantInfo& mutant) {
  mutant.reach(config);
  config.mutant = mutant.mutant;
  const ReclamationLoad load{.vcpus = config.walkers, .levels = 2, .largest_batch = 1, .most_linked = config.pages};
  const UnreclaimedBound bound = variant.info.most_unreclaimed;
  if (mutant.needs_bound && (bound == nullptr || !bound(load))) {
    return {.verdict = Verdict::nothing_claimed, .mutant = &mutant, .config = config, .run = {}};
  }
  Report report = variant.verify(config);
  const Verdict verdict = report.failure         ? Verdict::found
                          : report.passed_mutant ? Verdict::not_found
                                                 : Verdict::not_reached;
  return {.verdict = verdict, .mutant = &mutant, .config = config, .run = std::move(report)};
}

}  // namespace

std::string_view in_words(Verdict verdict) {
  switch (verdict) {
    case Verdict::needed:
      return "needed";
    case Verdict::not_needed:
      return "not needed";
    case Verdict::no_effect:
      return "no effect";
    case Verdict::found:
      return "found";
    case Verdict::not_found:
      return "not found";
    case Verdict::not_reached:
      return "not reached";
    case Verdict::nothing_claimed:
      break;
  }
  return "no claim";
}

std::string_view why_no_effect(Site::Kind kind) {
  if (kind == Site::Kind::read_modify_write) return "x86 locks it whatever its order";
  if (kind == Site::Kind::acquire_load) return "loads are not reordered";
  return {};
}

bool of_the_lab(const Site& site) {
  return site.file.starts_with("harness/simulation/") || site.file.starts_with("harness/verify/") ||
         site.file == "harness/mmu/watched_variant.hpp";
}

void weaken_each(const VerifiedVariant& variant, const VerifyConfig& config, const std::set<Site>& sites,
                 const OnTrial& on_trial) {
  for (const Site& site : sites) {
    if (of_the_lab(site)) continue;
    on_trial(try_weakened(variant, config, site));
  }
}

void plant_each_mutant(const VerifiedVariant& variant, const VerifyConfig& config, const OnTrial& on_trial) {
  for (const MutantInfo& mutant : mutants()) on_trial(try_mutant(variant, config, mutant));
}

}  // namespace shadowwalk::verify
