#pragma once

#include <cstdint>

#include "harness/probes/probes.hpp"

namespace shadowwalk::timeline {

/// One probe that fired, or several page probes in a row.
struct Record {
  std::uint64_t ticks = 0;  ///< of the cycle clock; of several, of the first
  std::uint64_t a = 0;      ///< what the probe told: see keep() in recorder.cpp
  std::uint64_t b = 0;
  std::uint32_t c = 0;
  Probe probe{};

  /// How many probes it stands for.
  std::uint64_t count() const { return probe == Probe::page__retire || probe == Probe::page__free ? a : 1; }
};
static_assert(sizeof(Record) == 32);

}  // namespace shadowwalk::timeline
