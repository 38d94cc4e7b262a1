#pragma once

#include "harness/coherence/topology.hpp"

namespace shadowwalk::coherence {

/// Two sockets of two cores that share a last-level cache, with figures that tell each other apart.
inline Topology four_cpus() {
  Topology topology;
  topology.name = "four";
  topology.sockets = 2;
  topology.cores_per_llc = 2;
  topology.transfer = {1'000, 10'000, 50'000, 100'000};
  topology.memory = 70'000;
  topology.line_hold = 3'000;
  topology.line_service = 5'000;
  topology.costs = {.load = 500, .load_latency = 1'000, .store = 300, .locked = 2'000, .mfence = 9'000};
  topology.interrupt = {.send = 100'000, .deliver = 700'000, .handle = 300'000};
  topology.guest = {.exit = 900'000, .access = 1'000};
  return topology;
}

}  // namespace shadowwalk::coherence
