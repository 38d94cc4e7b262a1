#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/simulation/memory_model.hpp"
#include "harness/simulation/site.hpp"
#include "variants/contract.hpp"

/// Proof instead of luck: variants, tree, walker and zapper, as they are, on the simulated machine, under every
/// schedule that can make a difference.
namespace shadowwalk::verify {

/// What is verified: the programs, the machine, and how far.
struct Setting {
  unsigned walkers = 2;  ///< vCPUs, 1..4; each walks to the same page
  unsigned zappers = 1;  ///< 1..2; each zaps that page
  unsigned walks = 1;    ///< of each walker, 1..4
  unsigned zaps = 1;     ///< of each zapper, 1..4
  bool faults = false;   ///< a walk that finds nothing takes the fault path, which builds the page again
  bool guest = false;    ///< vCPUs enter guest mode before each walk
  simulation::MemoryModel memory = simulation::MemoryModel::tso;
  /// Random schedules instead of all; 0: all.
  std::uint64_t random = 0;
  std::uint64_t seed = 1;
  /// Executions at most; 0: no bound.
  std::uint64_t most_executions = 0;
  /// What this site orders is not ordered.
  std::optional<simulation::Site> weakened{};
};

/// One step of an execution, in words.
struct StoryLine {
  unsigned cpu;
  std::string text;
};

struct Failure {
  std::string what;
  std::vector<std::string> cpus;
  std::vector<StoryLine> story;
};

struct Report {
  std::uint64_t executions = 0;
  std::uint64_t redundant = 0;  ///< of them: cut short, since others show the same
  std::uint64_t longest = 0;    ///< steps
  bool exhausted = false;       ///< every schedule was covered
  double seconds = 0;
  std::set<simulation::Site> sites;  ///< those that were passed
  std::optional<Failure> failure;    ///< the first
};

/// A variant that can be verified.
struct VerifiedVariant {
  VariantInfo info;
  Report (*verify)(const Setting&);
};

/// The shipped ones, then those that were added. find_verified(): nullptr if there is none of that name.
const std::vector<VerifiedVariant>& verified_variants();
/// Before threads start; its name is nobody's yet.
void add_verified(const VerifiedVariant& variant);
const VerifiedVariant* find_verified(std::string_view name);

}  // namespace shadowwalk::verify
