// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/guest/access.hpp"

/// Traces of what a real host's KVM did: events that start lockless walks and events that zap (docs/trace-format.md).
namespace shadowwalk::trace {

/// What happened. The numbers are the file format's; docs/trace-format.md lists the tracepoints behind each kind.
enum class TraceKind : std::uint8_t {
  read_fault = 1,        ///< a load or an instruction fetch faulted
  write_fault = 2,       ///< a store faulted
  fault = 3,             ///< a fault that mapped a page; the kind of access is not in the trace
  fast_fault = 4,        ///< a fault that the lockless fast path fixed (dirty logging's make-writable)
  spurious_fault = 5,    ///< a fault whose access was allowed already
  mmio_fault = 6,        ///< an access to a device page, through a walk or the fault that marked its SPTE
  mmio_cached = 7,       ///< an access to a device page that the vCPU's cache or an ioeventfd answered: no walk
  mmio_emulated = 8,     ///< an access to a device page, emulated; whether a walk led to it is not in the trace
  guest_walk = 9,        ///< software walked the *guest's* page tables; `gfn` is a guest-virtual page number
  pagetable_write = 10,  ///< the guest began to write to a page-table page: its shadow page went out of sync
  pagetable_sync = 11,   ///< a shadow page that was out of sync was synchronised, or unlinked
  zap_page = 12,         ///< a shadow page that mapped [gfn, gfn + pages) was unlinked
  zap_table = 13,        ///< a shadow page of the guest's page-table page `gfn` was unlinked
  zap_leaf = 14,         ///< a leaf SPTE was cleared; no shadow page is freed
  zap_all = 15,          ///< all of the VM's pages were made obsolete at once; `pages` shadow pages were in use
  unmap_hva = 16,        ///< an MMU notifier invalidated; `gfn` is a *host-virtual* page number
  write_protect = 17,    ///< a leaf SPTE lost its write permission
};

/// Kinds are 1 to kMaxTraceKind.
inline constexpr std::size_t kMaxTraceKind = 17;

/// TraceEvent::vcpu of events of threads that run no vCPU.
inline constexpr std::uint32_t kHostThread = UINT32_MAX;
/// vCPU numbers are below this.
inline constexpr std::uint32_t kMaxTraceVcpus = 1 << 16;
/// Page numbers are below this, and `pages` is at most this: 64-bit addresses in pages of 4 KiB.
inline constexpr std::uint64_t kTraceGfnLimit = std::uint64_t{1} << 52;
/// TraceEvent::gfn if it is not in the recording.
inline constexpr std::uint64_t kUnknownGfn = kTraceGfnLimit;

struct TraceEvent {
  std::uint64_t time_ns = 0;         ///< since the trace's first event, whose time is 0
  std::uint32_t vcpu = kHostThread;  ///< the vCPU whose thread did it, or kHostThread
  TraceKind kind = TraceKind::read_fault;
  std::uint64_t gfn = 0;    ///< 4 KiB guest frame number, except where the kind says otherwise; or kUnknownGfn
  std::uint64_t pages = 1;  ///< 4 KiB pages covered: 512 for a level-1 shadow page; 1 for accesses

  friend bool operator==(const TraceEvent&, const TraceEvent&) = default;
};

/// "read_fault"; "?" for values that are no kind.
std::string_view kind_name(TraceKind kind);

/// The access that makes the lab's engine do what the kernel did; nothing for a kind that is no access or that
/// started no walk.
std::optional<AccessKind> access_of(TraceKind kind);

/// Whether it unlinks shadow pages or clears SPTEs: zap_* and unmap_hva.
bool is_zap(TraceKind kind);

/// The totals of a trace: its end record.
struct TraceInfo {
  std::uint64_t events = 0;
  std::uint64_t duration_ns = 0;  ///< time of the last event
  std::uint32_t vcpus = 0;        ///< the highest vCPU number and one
  std::uint64_t host_events = 0;  ///< of kHostThread
  std::uint64_t first_gfn = 0;    ///< lowest gfn of the events with an access_of(); with last_gfn 0: there is none
  std::uint64_t last_gfn = 0;     ///< one past the highest
  std::array<std::uint64_t, kMaxTraceKind + 1> by_kind{};  ///< indexed by TraceKind

  /// Adds an event, which must not be earlier than the previous ones.
  void count(const TraceEvent& event);
  std::uint64_t of(TraceKind kind) const { return by_kind[static_cast<std::size_t>(kind)]; }

  friend bool operator==(const TraceInfo&, const TraceInfo&) = default;
};

}  // namespace shadowwalk::trace
