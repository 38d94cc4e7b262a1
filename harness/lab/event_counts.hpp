#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/lab/thread_events.hpp"

namespace shadowwalk {

/// What one event came to over all threads of a role (docs/result-format.md, `pmu`).
struct EventCount {
  std::string event;
  std::string set;  ///< empty: asked for by name alone
  std::string encoded;
  std::string unit;  ///< empty: a plain count
  std::string role;
  std::string scope{};
  std::size_t group = 0;
  double count = 0;
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;
  double multiplexed = 0;
};

struct EventCounts {
  std::vector<EventCount> counts;
  std::vector<pmu::Refusal> refused;  ///< each event once

  void refuse(const std::string& event, const std::string& reason);
  /// What `event` came to in a role, of which `sum` says all but what the event says itself; `sum.count` is as the PMU
  /// counts. Refuses an event that was not counted by all threads, or cannot have been: `whole_count` is that of the
  /// threads' whole windows.
  void add(const pmu::EncodedEvent& event, EventCount sum, bool counted_by_all, double whole_count);
};

/// One thread's part: what it counted, and the walks or zaps that it did in the window.
struct ThreadPart {
  const ThreadEvents* events = nullptr;
  std::uint64_t units = 0;
};

/// A role's threads, and what its work is called where the work alone was counted (`walks`, `zaps`).
struct Role {
  std::string name;
  std::string work;
};

inline constexpr const char* kWholeThreads = "thread";  ///< the scope of what is not the work's alone
inline const Role kWalkers{"walkers", "walks"};
inline const Role kZappers{"zappers", "zaps"};
inline const Role kReclaimers{"reclaimers", "thread"};

/// Adds a role's threads up into `counts`. An event counts only if every thread of the role could count it: a sum with
/// a part missing is none.
void add_role(EventCounts& counts, const Role& role, const std::vector<ThreadPart>& threads);

}  // namespace shadowwalk
