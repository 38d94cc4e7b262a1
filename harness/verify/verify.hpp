#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "harness/machine/mutant.hpp"
#include "harness/simulation/schedule.hpp"
#include "harness/simulation/site.hpp"
#include "harness/simulation/store_buffer.hpp"

namespace shadowwalk {
class Registry;
struct VariantEntry;
}  // namespace shadowwalk

/// Proof instead of luck: variants, tree, walker and zapper, unchanged, on the simulated machine, under every schedule
/// that can make a difference.
namespace shadowwalk::verify {

inline constexpr unsigned kMostWalkers = 4;
inline constexpr unsigned kMostZappers = 2;
inline constexpr unsigned kMostTurns = 4;
inline constexpr unsigned kFewestPages = 2;
inline constexpr unsigned kMostPages = 3;
inline constexpr unsigned kMostPreemptions = 10;

/// What is verified: the programs, the machine, and how far.
struct VerifyConfig {
  unsigned walkers = 2;  ///< vCPUs, 1..kMostWalkers
  unsigned zappers = 1;  ///< 1..kMostZappers
  unsigned walks = 1;    ///< per walker, 1..kMostTurns; the tables take turns
  unsigned zaps = 1;     ///< per zapper, 1..kMostTurns; the tables take turns
  unsigned pages = 2;    ///< shadow pages, kFewestPages..kMostPages: the root and the tables below it
  bool zap_all = false;  ///< each zapper's last zap is of everything, like the deletion of a memslot
  bool faults = false;   ///< a walk that finds nothing takes the fault path, which builds the page again
  bool guest = false;    ///< vCPUs enter guest mode before each walk, where hardware walks, with its TLB
  simulation::MemoryModel memory = simulation::MemoryModel::tso;

  /// Number of random schedules to run instead of all; 0: all.
  std::uint64_t random = 0;
  std::uint64_t seed = 1;
  /// Only schedules with at most this many preemptions.
  std::optional<unsigned> preemptions{};
  /// Executions at most; 0: no bound.
  std::uint64_t most_executions = 0;

  /// This site orders nothing.
  std::optional<simulation::Site> weakened{};
  /// The source has this bug.
  std::optional<Mutant> mutant{};
};

/// A schedule that goes wrong.
struct Failure {
  std::string what;
  std::vector<simulation::Actor> schedule;  ///< the actor of each step, until it has gone wrong
  unsigned preemptions = 0;                 ///< switches from a CPU whose program could have gone on
  unsigned switches = 0;                    ///< from one CPU to another
  bool fewest_preemptions = false;          ///< no schedule with fewer goes wrong in the same way
};

struct Report {
  std::uint64_t executions = 0;
  std::uint64_t redundant = 0;  ///< those among them that were cut short, since others show the same
  std::uint64_t longest = 0;    ///< steps
  bool exhausted = false;       ///< every schedule was covered
  /// Every schedule with at most so many preemptions was covered.
  std::optional<unsigned> covered_preemptions;
  double seconds = 0;
  std::set<simulation::Site> sites;  ///< those that were passed
  bool passed_mutant = false;        ///< whether any execution reached the place of the mutant
  std::optional<Failure> failure;    ///< the first
};

/// An execution in words.
struct Story {
  struct Line {
    unsigned cpu;
    std::string text;
    std::vector<std::vector<std::string>> buffers;  ///< after the step, by CPU: stores that others do not see yet
  };
  std::string what;  ///< what goes wrong; empty: nothing
  std::vector<std::string> cpus;
  std::vector<Line> lines;
  std::vector<std::string> steps;  ///< the schedule's, as a schedule file holds them
};

/// Runs executions until one goes wrong, or all were seen, or the config's bound is met.
Report explore(const VariantEntry& variant, const VerifyConfig& config);
/// The shortest schedule found that goes wrong in the same way: fewest preemptions, switches, steps, in this order.
Failure minimise(const VariantEntry& variant, const VerifyConfig& config, const Failure& failure);
Story tell_story(const VariantEntry& variant, const VerifyConfig& config, const Failure& failure);
/// Runs a schedule again, in the same steps, with the breakpoints of docs/verify.md. Throws InputError, naming `file`,
/// if this build cannot take one of the steps.
Story replay(const VariantEntry& variant, const VerifyConfig& config, std::span<const std::string> steps,
             const std::string& file);

/// The registry, in which every variant that ships can be verified (VariantEntry::can_be_verified()). First called
/// before threads start.
Registry& verified_variants();

}  // namespace shadowwalk::verify
