#pragma once

#include <stdint.h>  // not <cstdint>: the guest's image includes this file freestanding

#include "harness/guest/access.hpp"
#include "harness/guest/guest_abi.hpp"
#include "harness/measure/histogram_scale.hpp"

/// What the host and a guest that really touches its memory agree on. Everything lies in the aperture of
/// guest_abi.hpp, which the guest's page tables map already; memory slots put memory behind two parts of it:
///
///   working set  real memory: the page of gfn g is kWorkingSetBase + (g % pages) * 4 KiB
///   notes        TouchControl, then what beats and vCPUs note of each page of the working set
///   device       no memory: each load or store leaves for user space
///
/// A vCPU starts at the image's first byte, as if called with (GuestProgramState* state, TouchLog* log).
namespace shadowwalk::host_kvm {

inline constexpr uint64_t kGiB = uint64_t{1} << 30;
inline constexpr uint64_t kWorkingSetBase = guest_abi::kApertureBase;
inline constexpr uint64_t kMaxWorkingSetBytes = 16 * kGiB;
inline constexpr uint64_t kNotesBase = kWorkingSetBase + kMaxWorkingSetBytes;
inline constexpr uint64_t kMaxNotesBytes = 8 * kGiB;
inline constexpr uint64_t kDeviceBase = kNotesBase + kMaxNotesBytes;
inline constexpr uint64_t kDeviceBytes = 8 * kGiB;
static_assert(kDeviceBase + kDeviceBytes == guest_abi::kApertureBase + guest_abi::kApertureBytes);

/// Which touches the guest can tell to be the first since a beat of the host concerned their page.
enum class Coverage : uint32_t {
  whole = 0,    ///< each beat concerns every page
  writes = 1,   ///< each beat concerns every page, writes only: it takes away the right to write
  ranges = 2,   ///< a beat concerns every page, or a range of pages that is noted page by page
  unknown = 3,  ///< the kernel chooses the pages and does not tell
};

/// Host to guest; read-only to the guest by convention. The host stores its words whole.
struct alignas(64) TouchControl {
  /// Beats of the host: odd while one is at work, else the number of the last one, doubled. 2 at start.
  uint64_t sequence;
  /// The last beat that concerned every page; never odd.
  uint64_t last_whole;
  uint64_t recording;    ///< 1 in the measured window: touches count and are logged
  uint64_t clocked;      ///< 1: touches are clocked and classified
  uint64_t ns_per_tick;  ///< of the guest's TSC, times 2^32
  uint64_t pages;        ///< of the working set
  Coverage coverage;
  uint32_t reserved;
};
static_assert(sizeof(TouchControl) == 64);

/// The notes: after the page of TouchControl one word a page of the working set with the last beat that concerned it
/// (Coverage::ranges; the host writes it), then one such table a vCPU with the beat after which it touched the page
/// last.
constexpr uint64_t notes_table_bytes(uint64_t pages) {
  return (pages * sizeof(uint64_t) + guest_abi::kPageBytes - 1) / guest_abi::kPageBytes * guest_abi::kPageBytes;
}
constexpr uint64_t beats_offset() { return guest_abi::kPageBytes; }
constexpr uint64_t seen_offset(uint64_t pages, uint64_t vcpu) {
  return beats_offset() + (1 + vcpu) * notes_table_bytes(pages);
}
constexpr uint64_t notes_bytes(uint64_t pages, uint64_t vcpus) { return seen_offset(pages, vcpus); }

/// What a touch turned out to be. `unclear` ones are those during which, or during an earlier one of the page, a beat
/// was at work: whether it came before or after the zap cannot be determined.
enum class TouchKind : uint32_t { hit = 0, first = 1, unclear = 2, device = 3 };
inline constexpr uint32_t kTouchKinds = 4;

/// Nanoseconds on the lab's histogram scale.
struct TouchHistogram {
  uint64_t sum;
  uint64_t min;  ///< the host sets it to 2^64 - 1 at start
  uint64_t max;
  uint64_t counts[HistogramScale::kBuckets];
};

/// Guest to host: of one vCPU. Consistent when the vCPU has left the guest at the end of a burst.
struct TouchLog {
  uint64_t touches;   ///< since the start
  uint64_t recorded;  ///< of these, in the window
  uint64_t writes;    ///< stores to the working set since the start: what the last of them stored
  uint64_t idle_us;   ///< how long the vCPU halts after the last burst
  TouchHistogram of[kTouchKinds];
  TouchHistogram clock;  ///< two clock reads with nothing between them, taken at the start
  static constexpr uint32_t kChunk = 512;
  Access chunk[kChunk];  ///< produced, and not touched yet
};

/// Where in its page a touch of page `page` goes: spread over the lines, as touches of one line of each page would all
/// share a set of the first cache.
constexpr uint64_t line_of(uint64_t page) { return (page * 0x9e3779b97f4a7c15 >> 58) * 64; }

constexpr uint64_t working_set_address(uint64_t page) {
  return kWorkingSetBase + (page << guest_abi::kPageShift) + line_of(page);
}
constexpr uint64_t device_address(Access access) {
  return kDeviceBase + ((access.gfn() << guest_abi::kPageShift) & (kDeviceBytes - 1));
}

/// Of TouchControl::sequence: the first beat takes it from 2 over 3 to 4.
constexpr bool at_work(uint64_t sequence) { return (sequence & 1) != 0; }

}  // namespace shadowwalk::host_kvm
