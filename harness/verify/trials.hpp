#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include "harness/verify/mutants.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// The outcome of weakening one site of the source, or of planting one bug.
struct Trial {
  enum class Verdict {
    needed,           ///< of a site: without its ordering a schedule goes wrong
    not_needed,       ///< by this hardware, in this config
    no_effect,        ///< weakening it changes nothing on the simulated machine, whatever the variant
    found,            ///< of a mutant: a schedule goes wrong
    not_found,        ///< none of those that were run does
    not_reached,      ///< no schedule reaches its place in the source
    nothing_claimed,  ///< it breaks a bound that the variant does not claim
    out_of_reach,     ///< it breaks a bound above all pages that the config's zaps can retire
  };
  Verdict verdict;
  std::optional<simulation::Site> site{};
  const MutantInfo* mutant = nullptr;
  VerifyConfig config;        ///< that was run
  std::optional<Report> run;  ///< its outcome; nothing: it was not run
};
std::string_view in_words(Trial::Verdict verdict);
/// Why weakening such a site has no effect; empty if it may have one.
std::string_view why_no_effect(simulation::Site::Kind kind);

/// Whether a site belongs to the verifier and not to what is verified.
bool of_the_lab(const simulation::Site& site);

using OnTrial = std::function<void(const Trial&)>;

/// Weakens each of these sites, one at a time, except the lab's own.
void weaken_each(const VariantEntry& variant, const VerifyConfig& config, const std::set<simulation::Site>& sites,
                 const OnTrial& on_trial);
/// Plants each of Mutant's bugs, one at a time, in a setting that is at least large enough for it.
void plant_each_mutant(const VariantEntry& variant, const VerifyConfig& config, const OnTrial& on_trial);

}  // namespace shadowwalk::verify
