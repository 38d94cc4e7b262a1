#pragma once

#include <cstdint>
#include <optional>

#include "harness/trace/event_line.hpp"
#include "harness/trace/trace_event.hpp"

namespace shadowwalk::trace {

/// The step of the MMU's work that a tracepoint records, independent of the kernel's print format.
enum class Step : std::uint8_t {
  boundary,        ///< kvm_entry, kvm_exit, kvm_userspace_exit: the current fault is over
  page_fault,      ///< kvm_page_fault; on arm64 kvm_guest_fault
  guest_walk,      ///< kvm_mmu_pagetable_walk
  spte_requested,  ///< kvm_mmu_spte_requested: once per fault
  spte_set,        ///< kvm_mmu_set_spte: once or, with prefetching, more often
  fast_fault,      ///< fast_page_fault
  mmio_marked,     ///< mark_mmio_spte
  mmio_handled,    ///< handle_mmio_page_fault
  mmio_matched,    ///< vcpu_match_mmio
  mmio_fast,       ///< kvm_fast_mmio
  mmio_done,       ///< kvm_mmio
  event,           ///< a complete event, `kind`
  nothing,         ///< irrelevant for a trace
};

struct TracepointHit {
  std::uint64_t time_ns = 0;  ///< of the host's trace clock
  Step step = Step::nothing;
  std::uint64_t page = 0;  ///< 4 KiB page number: of the guest's memory; a fault's address may be virtual
  std::uint64_t pages = 1;
  std::uint64_t virtual_page = UINT64_MAX;  ///< of mmio_matched: the guest-virtual page
  TraceKind kind = TraceKind::read_fault;   ///< of Step::event
  bool write = false;                       ///< of faults
  bool fixed = false;                       ///< of fast_fault
  bool spurious = false;                    ///< of fast_fault
  bool awaits_user_space = false;           ///< of mmio_done: a read whose value user space must still provide
  bool read_completed = false;              ///< of mmio_done
  std::optional<std::uint32_t> vcpu_id{};   ///< of boundary, page_fault and fast_fault: the vCPU's number in its VM
  bool had_shared_bit = false;              ///< `page` is without a confidential guest's shared bit, which it had

  friend bool operator==(const TracepointHit&, const TracepointHit&) = default;
};

/// Whether only a thread that runs a vCPU can take that step.
bool runs_vcpu(const TracepointHit& hit);

enum class Reading { hit, malformed, unused };

/// Converts an event line to `hit`; `unused` for tracepoints that are irrelevant for a trace. Pure.
Reading read_tracepoint(const EventLine& line, TracepointHit& hit);

}  // namespace shadowwalk::trace
