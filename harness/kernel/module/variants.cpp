// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "harness/kernel/module/engine.hpp"

namespace shadowwalk::kernel {

// Made of cmake/Variants.cmake by make-shelf.
extern const KernelVariant* const shelf_rows[];
extern const std::size_t shelf_rows_count;

namespace {

struct Reason {
  std::string_view variant;
  const char* why;
};
constexpr const char* kSleeps =
    "its commit waits for a grace period, which must not be done under a lock that spins: ask for mmu_lock mutex";
constexpr const char* kWaits =
    "its commit waits for walkers, which can have been preempted: a CPU that spins under mmu_lock might wait for ever; "
    "ask for mmu_lock mutex";
constexpr const char* kAllocates =
    "its commit may allocate memory, which must not be done under a lock that spins: ask for mmu_lock mutex";
constexpr Reason kNeedMutex[] = {
    {"rcu-expedited", kSleeps}, {"srcu", kWaits},        {"mode-membarrier", kWaits},
    {"rwlock", kWaits},         {"hyaline", kAllocates},
};

}  // namespace

std::string_view KernelVariant::why_not() const {
  if (info.name != "srcu-kernel-fast" || swk_has_srcu_fast() != 0) return {};
  return "this kernel has no srcu_read_lock_fast(), which came with Linux 6.15";
}

std::string_view KernelVariant::needs_mutex() const {
  const auto* const reason = std::find_if(std::begin(kNeedMutex), std::end(kNeedMutex),
                                          [&](const Reason& one) { return one.variant == info.name; });
  return reason == std::end(kNeedMutex) ? std::string_view() : reason->why;
}

const KernelVariant& variant(std::size_t index) { return *shelf_rows[index]; }
std::size_t shelf_size() { return shelf_rows_count; }

}  // namespace shadowwalk::kernel
