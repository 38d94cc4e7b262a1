// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/guest/guest.hpp"
#include "harness/guest/random.hpp"

namespace shadowwalk {
namespace {

/// Strided vCPUs begin at pages of their own, or they would march in step; so do churning ones, with processes.
StreamCursor first_cursor(const AccessStream& stream, std::uint64_t random, unsigned vcpu) {
  switch (stream.locality) {
    case Locality::stride:
      return {.random = random, .position = mix(random) % stream.pages};
    case Locality::churn:
      return {.random = random, .process = vcpu % stream.processes};
    default:
      return {.random = random};
  }
}

}  // namespace

GuestProgramState initial_state(const GuestConfig& config, unsigned index) {
  const std::uint64_t random = mix(mix(config.params.seed) + index);
  constexpr std::uint32_t kStreams = GuestParams::kMaxPhases * AccessPhase::kMaxStreams;
  GuestProgramState state{.params = config.params, .random = mix(random + kStreams)};
  state.params.vcpu = index;
  state.params.burst = config.burst;
  if (index >= config.active_vcpus) state.params.idle_us += config.idle_us;
  for (std::uint32_t i = 0; i < config.params.phase_count; ++i) {
    const AccessPhase& phase = config.params.phases[i];
    for (std::uint32_t j = 0; j < phase.stream_count; ++j) {
      const std::uint32_t stream = i * AccessPhase::kMaxStreams + j;
      state.cursors[i][j] = first_cursor(phase.streams[j], stream == 0 ? random : mix(random + stream), index);
    }
  }
  return state;
}

}  // namespace shadowwalk
