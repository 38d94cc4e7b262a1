// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <atomic>
#include <cstdint>

namespace shadowwalk {

/// Fair, as the kernel's spinlock was in 2012. `Backoff`: how a waiter waits.
template <class Backoff>
class TicketLock {
 public:
  void lock() {
    const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    Backoff backoff;
    // acquire pairs with the release in unlock(): the last holder's changes are visible.
    while (serving_.load(std::memory_order_acquire) != ticket) backoff.wait();
  }
  void unlock() { serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  bool contended() const {
    return next_.load(std::memory_order_relaxed) - serving_.load(std::memory_order_relaxed) > 1;
  }

 private:
  alignas(64) std::atomic<std::uint32_t> next_{0};
  std::atomic<std::uint32_t> serving_{0};
};

}  // namespace shadowwalk
