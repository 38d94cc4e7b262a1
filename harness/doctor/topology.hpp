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

/// The closest level that two CPUs share, as the machine or its hypervisor reports it.
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
  std::string unavailable;  ///< why there is no transfer
};

struct Topology {
  std::vector<HardwareThread> cpus;
  std::vector<MeasuredPair> pairs;  ///< each pair once, in the order of `cpus`: (0,1), (0,2), (1,2), ...
};

using MeasurePair = std::function<LineTransfer(unsigned, unsigned)>;

/// Measures each pair of `cpus`, one after the other, so that they do not disturb each other. A pair that cannot be
/// measured has a reason. `measure` is measure_line_transfer() unless a test replaces it.
Topology measure_topology(
    const std::vector<HardwareThread>& cpus,
    const MeasurePair& measure = [](unsigned a, unsigned b) { return measure_line_transfer(a, b); });

/// The duration of measure_topology() on otherwise idle CPUs.
std::chrono::nanoseconds expected_time(std::size_t cpus);

/// The measured pairs of one tier, summarised by their medians.
struct TierSummary {
  Tier tier;
  std::size_t pairs;
  double least_ns;
  double median_ns;
  double greatest_ns;
};
/// Closest tier first; tiers without a measured pair are omitted.
std::vector<TierSummary> summarize_tiers(const Topology& topology);

}  // namespace shadowwalk::doctor
