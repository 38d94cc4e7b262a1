#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace shadowwalk::coherence {

/// Simulated time and its lengths: whole numbers, so that a simulation is the same everywhere.
using Picoseconds = std::int64_t;

inline constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();

inline Picoseconds from_ns(double ns) { return std::llround(ns * 1e3); }
constexpr double to_ns(Picoseconds time) { return static_cast<double>(time) / 1e3; }

/// How close two CPUs are.
enum class Tier : unsigned {
  core,    ///< hardware threads of one core
  llc,     ///< one last-level cache
  socket,  ///< one socket, different last-level caches
  system   ///< different sockets
};
inline constexpr std::size_t kTiers = 4;
static_assert(static_cast<std::size_t>(Tier::system) + 1 == kTiers);

/// What operations take on a CPU while all others are idle.
struct CpuCosts {
  Picoseconds load = 0;          ///< one of many loads that hit the own cache and do not wait for each other
  Picoseconds load_latency = 0;  ///< a load on whose result another load's address depends
  Picoseconds store = 0;         ///< into the store buffer
  Picoseconds locked = 0;        ///< a locked operation or xchg on a line in the own cache
  Picoseconds mfence = 0;        ///< with an empty store buffer
  /// Whether a locked operation waits until the loads before it have completed: Intel's does; AMD's since Zen lets
  /// loads pass.
  bool locked_waits_for_loads = true;
};

struct InterruptCosts {
  Picoseconds send = 0;     ///< the sender's time per target
  Picoseconds deliver = 0;  ///< from the send until the target's handler begins
  Picoseconds handle = 0;   ///< the handler, until the sender may see the acknowledgement
};

struct GuestCosts {
  Picoseconds exit = 0;    ///< out of the guest and back
  Picoseconds access = 0;  ///< the guest's own work per access
};

/// A machine to simulate: how its CPUs are arranged and what operations cost there. CPU numbers begin with the first
/// hardware threads of all cores, last-level cache by last-level cache, socket by socket; the second hardware threads
/// follow in the same order.
struct Topology {
  static constexpr unsigned kMostCpus = 512;

  std::string name;
  std::string summary;
  std::string source;  ///< where its figures come from

  unsigned sockets = 1;
  unsigned llcs_per_socket = 1;
  unsigned cores_per_llc = 1;
  unsigned threads_per_core = 1;

  /// One cache line, modified in another CPU's cache, for a locked operation there: one way.
  std::array<Picoseconds, kTiers> transfer{};
  /// How long a CPU that has got a line keeps using it before it hands it to others that want it.
  Picoseconds line_hold = 0;
  Picoseconds memory = 0;        ///< a line that is in no cache
  Picoseconds line_service = 0;  ///< serving one reader of a line that many share, before the next is served
  CpuCosts costs;
  InterruptCosts interrupt;
  GuestCosts guest;

  unsigned cores() const { return sockets * llcs_per_socket * cores_per_llc; }
  unsigned cpus() const { return cores() * threads_per_core; }
  unsigned core_of(unsigned cpu) const { return cpu % cores(); }  // one past the last wraps to the first
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
