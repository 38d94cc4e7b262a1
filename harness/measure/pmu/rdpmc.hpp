#pragma once

#include <linux/perf_event.h>

#include <atomic>
#include <cstdint>

namespace shadowwalk::pmu {

#if defined(__x86_64__)
inline constexpr bool kHasRdpmc = true;
/// One counter of this CPU. Faults unless the kernel allows it (cap_user_rdpmc).
inline std::uint64_t rdpmc(std::uint32_t counter) {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(counter));
  return (std::uint64_t{high} << 32) | low;
}
#else
inline constexpr bool kHasRdpmc = false;  // Arm's needs kernel.perf_user_access and other registers: read() serves it
inline std::uint64_t rdpmc(std::uint32_t) { return 0; }
#endif

/// Reads an event of the calling thread through its mmap page, without a system call. False: not readable now, since
/// the kernel does not allow it, or the event is on no counter at the moment (multiplexed, disabled).
///
/// The page's lock is a sequence lock that the kernel writes on this same CPU, in interrupts and context switches: only
/// the compiler can reorder here, so compiler barriers are enough (the protocol of perf_event.h).
template <class Rdpmc>
bool read_self(const volatile perf_event_mmap_page& page, Rdpmc read_counter, std::uint64_t& count) {
  constexpr int kTries = 64;  // each retry means an interrupt in between; a page that stays odd is broken
  for (int i = 0; i < kTries; ++i) {
    const std::uint32_t before = page.lock;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const std::uint32_t index = page.index;
    const bool allowed = page.cap_user_rdpmc != 0;
    const unsigned width = page.pmc_width;
    const std::int64_t offset = page.offset;
    const std::uint64_t raw = allowed && index != 0 ? read_counter(index - 1) : 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (page.lock != before || (before & 1) != 0) continue;
    if (!allowed || index == 0 || width == 0 || width > 64) return false;
    // The hardware counts up from -period: its top bit is a sign.
    const auto value = static_cast<std::int64_t>(raw << (64 - width)) >> (64 - width);
    count = static_cast<std::uint64_t>(offset) + static_cast<std::uint64_t>(value);
    return true;
  }
  return false;
}

}  // namespace shadowwalk::pmu
