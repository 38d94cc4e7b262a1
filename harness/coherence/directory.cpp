#include "harness/coherence/directory.hpp"

#include <algorithm>

namespace shadowwalk::coherence {

Directory::Directory(const Topology& topology) : topology_(topology) {
  nearer_.fill(std::vector<CpuSet>(topology.cpus() + 1));
  for (unsigned a = 0; a <= topology.cpus(); ++a) {
    nearer_.front()[a].add(a);
    for (unsigned b = 0; b <= topology.cpus(); ++b) {
      for (auto tier = static_cast<std::size_t>(topology.tier(a, b)) + 1; tier < kTiers; ++tier)
        nearer_[tier][a].add(b);
    }
  }
}

Picoseconds Directory::from_nearest(const CpuSet& sharers, unsigned cpu) const {
  std::size_t tier = 0;
  while (tier + 1 < kTiers && !sharers.meets(nearer_[tier + 1][cpu])) ++tier;
  return topology_.transfer[tier];
}

Picoseconds Directory::to_farthest(const CpuSet& sharers, unsigned cpu) const {
  for (std::size_t tier = kTiers; tier-- > 0;) {
    if (sharers.exceeds(nearer_[tier][cpu])) return topology_.transfer[tier];
  }
  return 0;
}

Directory::Moved Directory::from_owner(const Line& line, unsigned cpu, Picoseconds start) const {
  const Picoseconds transfer = topology_.transfer_between(line.owner, cpu);
  return {.done = start + transfer,
          .transferred = true,
          .former_owner = line.owner,
          .kept_until = start + std::min(topology_.line_hold, transfer)};
}

Directory::Moved Directory::read(Line& line, unsigned cpu, Picoseconds now) const {
  const Picoseconds start = std::max(now, line.busy_until);
  if (line.owner != Line::kNone) {
    const Moved moved = from_owner(line, cpu, start);
    line.sharers.add(line.owner);
    line.sharers.add(cpu);
    line.owner = Line::kNone;
    line.dirty = false;
    line.busy_until = moved.done;
    return moved;
  }
  if (line.sharers.empty()) {
    line.owner = cpu;
    line.busy_until = start + topology_.memory;
    return {.done = line.busy_until};
  }
  const Picoseconds done = start + from_nearest(line.sharers, cpu);
  line.sharers.add(cpu);
  line.busy_until = start + topology_.line_service;
  return {.done = done, .transferred = true};
}

Directory::Moved Directory::write(Line& line, unsigned cpu, Picoseconds now) const {
  const Picoseconds start = std::max(now, line.busy_until);
  Moved moved;
  if (line.owner != Line::kNone) {
    moved = from_owner(line, cpu, start);
  } else if (line.sharers.empty()) {
    moved.done = start + topology_.memory;
  } else {
    // The line comes from the nearest CPU while the farthest one invalidates it. An upgrade of the only copy is free.
    const Picoseconds fetch = line.sharers.has(cpu) ? 0 : from_nearest(line.sharers, cpu);
    const Picoseconds invalidate = to_farthest(line.sharers, cpu);
    moved.done = start + std::max(fetch, invalidate);
    moved.transferred = fetch + invalidate != 0;
  }
  line.owner = cpu;
  line.dirty = true;
  line.sharers.clear();
  line.busy_until = moved.done;
  return moved;
}

}  // namespace shadowwalk::coherence
