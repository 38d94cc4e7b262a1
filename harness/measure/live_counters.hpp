// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "harness/measure/footprint.hpp"
#include "harness/measure/histogram.hpp"

namespace shadowwalk {

/// Why a vCPU left the guest.
enum class ExitReason : std::uint8_t {
  mmio,         ///< one access
  doorbell,     ///< a ring of accesses
  interrupted,  ///< a signal or a request, before the guest had accesses to walk for
  halt,         ///< HLT, after a ring
};
inline constexpr std::size_t kExitReasons = 4;
static_assert(static_cast<std::size_t>(ExitReason::halt) + 1 == kExitReasons);

/// What a cell counts while it runs, in memory that other processes can read meanwhile (shared_counters.hpp): from its
/// first thread on, including the warm-up. Counts only grow, and each is right by itself; two that are read one after
/// the other are not of the same moment. All accesses are relaxed: nothing is read through a counter.
struct LiveCounters {
  using Counter = std::atomic<std::uint64_t>;

  /// The counts of one vCPU or zapper, which is their only writer. vCPUs write some hundred times per second, so that
  /// they do not wait at each walk or exit for a line that a reader has taken.
  struct alignas(128) Thread {
    Counter walks{0};
    Counter faults{0};
    Counter restarts{0};
    Counter violations{0};
    std::array<Counter, kExitReasons> exits{};  ///< by ExitReason
    Counter zaps{0};                            ///< zaps that found something
    Counter zaps_empty{0};
  };
  /// The IPIs of flushes.
  struct alignas(128) Ipis {
    Counter total{0};
    Counter in_window{0};
    ConcurrentHistogram ns;  ///< from the first request to the last acknowledgement, in the window
  };

  static constexpr std::size_t kMostThreads = 2048;  ///< 1024 vCPUs and 1024 zappers

  Counter page_bytes{0};  ///< the size of a shadow page; 0: the cell has no shadow pages of its own
  Counter vcpus{0};
  Counter zappers{0};
  Ipis ipis;
  FootprintCounters footprint;
  std::array<Thread, kMostThreads> threads;  ///< the vCPUs, then the zappers

  Thread& vcpu(std::size_t index) { return threads[index]; }
  Thread& zapper(std::size_t index) { return threads[vcpus.load(std::memory_order_relaxed) + index]; }

  /// Before a cell starts threads.
  void begin(std::size_t vcpus_of_cell, std::size_t zappers_of_cell) {
    std::destroy_at(this);
    std::construct_at(this);
    vcpus.store(vcpus_of_cell, std::memory_order_relaxed);
    zappers.store(zappers_of_cell, std::memory_order_relaxed);
  }
};

}  // namespace shadowwalk
