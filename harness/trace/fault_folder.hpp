#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "harness/trace/reorder_window.hpp"
#include "harness/trace/tracepoint_hit.hpp"

namespace shadowwalk::trace {

/// Combines the tracepoints of one access of a vCPU into one event, in the order of the kernel's steps: the fault, a
/// walk of the guest's tables under shadow paging, the SPTE that is set, the MMIO access that follows. The first step
/// adds the event to the window and later steps refine it. One folder per vCPU thread; the window must outlive it.
class FaultFolder {
 public:
  FaultFolder(std::uint32_t vcpu, ReorderWindow& window) : vcpu_(vcpu), window_(window) {}

  void add(const TracepointHit& hit);

 private:
  static constexpr std::uint64_t kNoPage = UINT64_MAX;

  std::optional<ReorderWindow::Ticket> record(TraceKind kind, const TracepointHit& hit) {
    return window_.add({hit.time_ns, vcpu_, kind, hit.page, hit.pages});
  }
  TraceEvent* find(const std::optional<ReorderWindow::Ticket>& event);
  void begin(TraceKind kind, const TracepointHit& hit);
  void resolve(TraceKind kind, std::uint64_t gfn);
  void guest_walk(const TracepointHit& hit);
  void map(const TracepointHit& hit);
  void fast_fault(const TracepointHit& hit);
  void expect_mmio(std::uint64_t gfn);
  void mmio_marked(const TracepointHit& hit);
  void mmio_matched(const TracepointHit& hit);
  void mmio_done(const TracepointHit& hit);
  bool fault_was_mmio(std::uint64_t address_page, std::size_t before, std::uint64_t gfn, TraceKind without_walk);

  std::uint32_t vcpu_;
  ReorderWindow& window_;

  // The current fault.
  bool open_ = false;
  bool began_as_page_fault_ = false;  // kvm_page_fault began it
  bool resolved_ = false;             // its gfn is final
  bool write_ = false;
  std::uint64_t address_page_ = 0;
  std::optional<ReorderWindow::Ticket> event_;
  // The last faults and walks of this exit that mapped no page; [0] is the oldest. A device access begins with one on
  // its address, then the emulator walks to the instruction, and possibly to the address again.
  struct Unmapped {
    std::uint64_t page;
    std::optional<ReorderWindow::Ticket> event;
  };
  std::array<Unmapped, 4> unmapped_{};
  std::size_t unmapped_count_ = 0;

  // The current emulated device access.
  std::uint64_t mmio_page_ = kNoPage;
  bool mmio_matched_ = false;
  bool mmio_done_ = false;
  std::uint64_t awaited_page_ = kNoPage;  // of a read that user space must answer
};

}  // namespace shadowwalk::trace
