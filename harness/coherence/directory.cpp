#include "harness/coherence/directory.hpp"

#include <algorithm>

namespace shadowwalk::coherence {

Directory::Directory(const Topology& topology)
    : topology_(topology),
      self_(topology.cpus() + 1),
      core_(topology.cpus() + 1),
      llc_(topology.cpus() + 1),
      socket_(topology.cpus() + 1) {
  for (unsigned a = 0; a <= topology.cpus(); ++a) {
    self_[a].add(a);
    for (unsigned b = 0; b <= topology.cpus(); ++b) {
      const Tier tier = topology.tier(a, b);
      if (tier <= Tier::core) core_[a].add(b);
      if (tier <= Tier::llc) llc_[a].add(b);
      if (tier <= Tier::socket) socket_[a].add(b);
    }
  }
}

Picoseconds Directory::from_nearest(const CpuSet& sharers, unsigned cpu) const {
  const auto& transfer = topology_.transfer;
  if (sharers.meets(core_[cpu])) return transfer[0];
  if (sharers.meets(llc_[cpu])) return transfer[1];
  return transfer[sharers.meets(socket_[cpu]) ? 2 : 3];
}

Picoseconds Directory::to_farthest(const CpuSet& sharers, unsigned cpu) const {
  const auto& transfer = topology_.transfer;
  if (sharers.exceeds(socket_[cpu])) return transfer[3];
  if (sharers.exceeds(llc_[cpu])) return transfer[2];
  if (sharers.exceeds(core_[cpu])) return transfer[1];
  return sharers.exceeds(self_[cpu]) ? transfer[0] : 0;
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
