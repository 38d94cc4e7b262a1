#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "harness/coherence/picoseconds.hpp"

namespace shadowwalk::coherence {

/// How near two CPUs are.
enum class Tier : unsigned {
  core,    ///< hardware threads of one core
  llc,     ///< one last-level cache
  socket,  ///< one socket, different last-level caches
  system   ///< different sockets
};
inline constexpr std::size_t kTiers = 4;

/// What things take on a CPU when nobody else is about.
struct CpuCosts {
  Picoseconds load = 0;          ///< one of many loads that hit the own cache and do not wait for each other
  Picoseconds load_latency = 0;  ///< one that another load's address waits for
  Picoseconds store = 0;         ///< into the store buffer
  Picoseconds locked = 0;        ///< a locked operation or xchg on a line in the own cache
  Picoseconds mfence = 0;        ///< with an empty store buffer
  /// Whether a locked operation waits until the loads before it have come: Intel's does; AMD's since Zen lets loads
  /// pass.
  bool locked_waits_for_loads = true;
};

struct InterruptCosts {
  Picoseconds send = 0;     ///< of the sender, for each target
  Picoseconds deliver = 0;  ///< from there until the target's handler begins
  Picoseconds handle = 0;   ///< the handler, until the sender may see the acknowledgement
};

struct GuestCosts {
  Picoseconds exit = 0;    ///< out of the guest and back
  Picoseconds access = 0;  ///< the guest's own work for each access
};

/// A machine to simulate: how its CPUs stand to each other and what things cost there. CPUs are numbered so that a
/// core's first hardware threads come first, last-level cache after last-level cache, socket after socket; then the
/// second hardware threads in the same order.
struct Topology {
  static constexpr unsigned kMostCpus = 512;

  std::string name;
  std::string summary;
  std::string source;  ///< where its figures are from

  unsigned sockets = 1;
  unsigned llcs_per_socket = 1;
  unsigned cores_per_llc = 1;
  unsigned threads_per_core = 1;

  /// One cache line, modified in another CPU's cache, for a locked operation there: one way.
  std::array<Picoseconds, kTiers> transfer{};
  /// For so long after it got a line that others want, a CPU goes on using it before it gives it away.
  Picoseconds line_hold = 0;
  Picoseconds memory = 0;        ///< a line that is in nobody's cache
  Picoseconds line_service = 0;  ///< of one reader of a line that many share, before the next is served
  CpuCosts costs;
  InterruptCosts interrupt;
  GuestCosts guest;

  unsigned cores() const { return sockets * llcs_per_socket * cores_per_llc; }
  unsigned cpus() const { return cores() * threads_per_core; }
  unsigned core_of(unsigned cpu) const { return cpu % cores(); }  // one past the last is the first again
  unsigned llc_of(unsigned cpu) const { return core_of(cpu) / cores_per_llc; }
  unsigned socket_of(unsigned cpu) const { return llc_of(cpu) / llcs_per_socket; }
  Tier tier(unsigned a, unsigned b) const {
    if (core_of(a) == core_of(b)) return Tier::core;
    if (llc_of(a) == llc_of(b)) return Tier::llc;
    return socket_of(a) == socket_of(b) ? Tier::socket : Tier::system;
  }
  Picoseconds transfer_between(unsigned a, unsigned b) const { return transfer[static_cast<std::size_t>(tier(a, b))]; }
};

}  // namespace shadowwalk::coherence
