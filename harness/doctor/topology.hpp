#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/machine/line_transfer.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::doctor {

/// How near two CPUs are, by what the machine (or the hypervisor below) says of itself.
enum class Tier {
  core,     ///< siblings of one core
  llc,      ///< one last-level cache
  package,  ///< one socket, different last-level caches
  system    ///< different sockets
};

std::string_view name_of(Tier tier);  ///< "same core", "same L3", "same socket", "other socket"
Tier tier_of(const HardwareThread& a, const HardwareThread& b);

struct MeasuredPair {
  unsigned a = 0;
  unsigned b = 0;
  Tier tier = Tier::core;
  std::optional<LineTransfer> transfer;
  std::string unavailable;  ///< why there is none
};

struct Topology {
  std::vector<HardwareThread> cpus;
  std::vector<MeasuredPair> pairs;  ///< each pair once, in the order of `cpus`: (0,1), (0,2), (1,2), ...
};

using MeasurePair = std::function<LineTransfer(unsigned, unsigned)>;

/// Measures each pair of `cpus`, one after the other: at the same time they would disturb each other. A pair that
/// cannot be measured says why. `measure` is measure_line_transfer() unless a test replaces it.
Topology measure_topology(
    const std::vector<HardwareThread>& cpus,
    const MeasurePair& measure = [](unsigned a, unsigned b) { return measure_line_transfer(a, b); });

/// What measure_topology() takes on CPUs that are idle otherwise.
std::chrono::nanoseconds expected_time(std::size_t cpus);

/// The pairs of one tier that were measured, over their medians.
struct TierSummary {
  Tier tier;
  std::size_t pairs;
  double least_ns;
  double median_ns;
  double greatest_ns;
};
/// Nearest tier first; tiers without a measured pair are left out.
std::vector<TierSummary> summarize_tiers(const Topology& topology);

}  // namespace shadowwalk::doctor
