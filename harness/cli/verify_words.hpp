#pragma once

#include <string>

#include "harness/lab/registry.hpp"
#include "harness/verify/trials.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::cli {

/// What `shadowwalk verify` prints.

/// A setting, as in "tso, 2 walkers x 1 walk, 1 zapper x 1 zap".
std::string in_words(const verify::VerifyConfig& setting);
/// What a verdict without a failure rests on.
std::string coverage(const verify::Report& report);
/// A report of a variant with which nothing goes wrong, or the line above the story.
std::string in_words(const VariantEntry& variant, const verify::VerifyConfig& setting, const verify::Report& report);
/// "the shortest such schedule: ..."
std::string in_words(const verify::Failure& shortest);
/// A column a CPU: what it does, and what it puts into its store buffer until all see it; with what is still in there
/// when another CPU goes on.
std::string in_words(const verify::Story& story);
std::string in_words(const verify::Trial& trial);

}  // namespace shadowwalk::cli
