#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "harness/trace/reorder_window.hpp"
#include "harness/trace/tracepoint_hit.hpp"

namespace shadowwalk::trace {

/// Folds the several tracepoints of one access of a vCPU into one event, as the kernel's steps come by: the fault, a
/// walk of the guest's tables under shadow paging, the SPTE that is set, the MMIO access that follows. The event is
/// added at the first of them and made more precise by the others. One per vCPU thread.
class FaultFolder {
 public:
  explicit FaultFolder(std::uint32_t vcpu) : vcpu_(vcpu) {}

  std::uint32_t vcpu() const { return vcpu_; }
  void add(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);

 private:
  static constexpr std::uint64_t kNoPage = UINT64_MAX;

  void begin(TraceKind kind, const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  void resolve(TraceKind kind, std::uint64_t gfn, ReorderWindow& window);
  void guest_walk(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  void map(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  void fast_fault(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  void expect_mmio(std::uint64_t gfn);
  void mmio_marked(const TracepointHit& hit, ReorderWindow& window);
  void mmio_matched(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  void mmio_done(const TracepointHit& hit, std::uint64_t time_ns, ReorderWindow& window);
  bool fault_was_mmio(std::uint64_t address_page, std::size_t before, std::uint64_t gfn, TraceKind without_walk,
                      ReorderWindow& window);

  std::uint32_t vcpu_;

  // The fault that is being handled.
  bool open_ = false;
  bool told_by_fault_ = false;  // kvm_page_fault began it
  bool resolved_ = false;       // its gfn is known to be one
  bool write_ = false;
  std::uint64_t address_page_ = 0;
  std::optional<ReorderWindow::Ticket> event_;
  // Of this exit, the last faults and walks for which nothing was mapped: [0] is the oldest. A device access begins
  // with one on its address, then the emulator walks to the instruction, and maybe to the address again.
  struct Unmapped {
    std::uint64_t page;
    std::optional<ReorderWindow::Ticket> event;
  };
  std::array<Unmapped, 4> unmapped_{};
  std::size_t unmapped_count_ = 0;

  // The device access that is being emulated.
  std::uint64_t mmio_page_ = kNoPage;
  bool mmio_matched_ = false;
  bool mmio_done_ = false;
  std::uint64_t awaited_page_ = kNoPage;  // of a read that user space is to answer
};

}  // namespace shadowwalk::trace
