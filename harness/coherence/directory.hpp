#pragma once

#include <cstdint>
#include <vector>

#include "harness/coherence/cpu_set.hpp"
#include "harness/coherence/topology.hpp"

namespace shadowwalk::coherence {

/// MESI, as one CPU's cache sees a line.
enum class LineState { modified, exclusive, shared, invalid };

/// A cache line: who has it, and until when it is on its way.
struct Line {
  static constexpr unsigned kNobody = ~0u;

  unsigned owner = kNobody;  ///< has it modified or exclusive; nobody else has it then
  bool dirty = false;        ///< the owner has written it
  CpuSet sharers;            ///< of those that have it shared
  Picoseconds busy_until = 0;

  LineState state(unsigned cpu) const {
    if (owner == cpu) return dirty ? LineState::modified : LineState::exclusive;
    return sharers.has(cpu) ? LineState::shared : LineState::invalid;
  }
  bool readable(unsigned cpu) const { return owner == cpu || sharers.has(cpu); }
  bool writable(unsigned cpu) const { return owner == cpu; }
};

/// The protocol: what a line's move costs, and whom it leaves with what. Caches have room for everything, so that lines
/// move only since somebody else wants them. For one thread.
class Directory {
 public:
  /// What an access that the own cache could not serve came to.
  struct Moved {
    Picoseconds done = 0;      ///< when the CPU has the line
    bool transferred = false;  ///< from another CPU's cache, or out of it; else from memory
    /// The CPU that could write it, and until when it still can (Topology::line_hold): why two CPUs that want one line
    /// move it less than once an access.
    unsigned former_owner = Line::kNobody;
    Picoseconds kept_until = 0;
  };

  explicit Directory(const Topology& topology);

  /// `cpu`, for which the line is not readable, wants it at `now`. Readers of a line that is shared are served one by
  /// one.
  Moved read(Line& line, unsigned cpu, Picoseconds now) const;
  /// `cpu`, for which the line is not writable, wants it at `now`. Everybody else loses it; who comes next waits until
  /// it has arrived.
  Moved write(Line& line, unsigned cpu, Picoseconds now) const;

  const Topology& topology() const { return topology_; }

 private:
  Moved from_owner(const Line& line, unsigned cpu, Picoseconds start) const;
  Picoseconds from_nearest(const CpuSet& sharers, unsigned cpu) const;
  Picoseconds to_farthest(const CpuSet& sharers, unsigned cpu) const;

  const Topology& topology_;
  std::vector<CpuSet> self_;
  std::vector<CpuSet> core_;  // by CPU: those of its core
  std::vector<CpuSet> llc_;   // ... and so on
  std::vector<CpuSet> socket_;
};

}  // namespace shadowwalk::coherence
