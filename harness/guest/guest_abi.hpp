// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

#include "harness/guest/access.hpp"

/// What the host and a KVM guest's code agree on: where the guest starts, and how it communicates.
/// A vCPU starts at kImageBase, as if called with (GuestProgramState* state, AccessRingHeader* ring), in long mode at
/// CPL 3 with IOPL 3. Virtual addresses equal guest-physical ones. General registers only: no x87, no SSE.
namespace shadowwalk::guest_abi {

inline constexpr uint64_t kPageShift = 12;
inline constexpr uint64_t kPageBytes = uint64_t{1} << kPageShift;

/// The lab's window of guest-physical memory, in 4 KiB pages: every access's gfn is below it.
inline constexpr uint64_t kWindowPages = uint64_t{1} << 36;

/// Where the flat image is loaded and entered, and how large it may be.
inline constexpr uint64_t kImageBase = 0x400000;
inline constexpr uint64_t kMaxImageBytes = 0x1ff000;

/// One byte written to this port means that a burst is in the ring. A port costs the host less than an MMIO store,
/// which KVM must decode and emulate, and IOPL 3 lets CPL 3 write to it.
inline constexpr uint8_t kDoorbellPort = 0xd0;
/// The host's exception stubs report through this port (kvm_x86.cpp).
inline constexpr uint8_t kExceptionPort = 0xd1;

/// The aperture: guest-physical addresses that no memory backs, so that each load or store is an MMIO exit. It ends at
/// 2^36, which every x86-64 CPU can address. The window is larger, so the window is folded into it: the exit proves
/// the access and its page modulo the aperture, and the ring's entry, checked against that, holds the rest.
inline constexpr uint64_t kApertureBase = uint64_t{1} << 35;
inline constexpr uint64_t kApertureBytes = uint64_t{1} << 35;

/// The guest-physical address at which a guest performs `access` when each access is an exit.
constexpr uint64_t aperture_address(Access access) {
  return kApertureBase + ((access.gfn() << kPageShift) & (kApertureBytes - 1));
}

/// The longest time for which a guest may ask to halt after a burst.
inline constexpr uint64_t kMaxIdleUs = 1'000'000;

/// The access ring in guest memory: this header, then `burst` entries from the next cache line on.
struct alignas(64) AccessRingHeader {
  uint64_t produced;  ///< accesses since the start, those of this burst included
  uint64_t length;    ///< of this burst, which begins at the first entry: 1..burst
  uint64_t idle_us;   ///< how long the vCPU halts after this burst, in microseconds: 0..kMaxIdleUs
  uint64_t reserved[5];
};
static_assert(sizeof(AccessRingHeader) == 64);

inline Access* ring_entries(AccessRingHeader* header) { return reinterpret_cast<Access*>(header + 1); }

/// The producer's side: publishes that `length` entries are written, and how long the vCPU halts after them. The exit
/// follows, and must not be moved before this.
inline void publish(AccessRingHeader& header, uint64_t length, uint64_t idle_us = 0) {
  header.produced += length;
  header.length = length;
  header.idle_us = idle_us;
}

}  // namespace shadowwalk::guest_abi
