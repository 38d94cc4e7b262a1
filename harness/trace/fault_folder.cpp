#include "harness/trace/fault_folder.hpp"

#include <algorithm>

namespace shadowwalk::trace {

void FaultFolder::add(const TracepointHit& hit) {
  switch (hit.step) {
    case Step::boundary:
      open_ = false;
      unmapped_count_ = 0;
      mmio_page_ = kNoPage;
      break;
    case Step::page_fault:
      begin(hit.write ? TraceKind::write_fault : TraceKind::read_fault, hit);
      began_as_page_fault_ = true;
      mmio_page_ = kNoPage;
      break;
    case Step::guest_walk:
      guest_walk(hit);
      break;
    case Step::spte_requested:
    case Step::spte_set:
      map(hit);
      break;
    case Step::fast_fault:
      fast_fault(hit);
      break;
    case Step::mmio_marked:
      mmio_marked(hit);
      break;
    case Step::mmio_handled:
      if (!open_ || resolved_) begin(TraceKind::mmio_fault, hit);
      resolve(TraceKind::mmio_fault, hit.page);
      expect_mmio(hit.page);
      break;
    case Step::mmio_matched:
      mmio_matched(hit);
      break;
    case Step::mmio_done:
      mmio_done(hit);
      break;
    case Step::mmio_fast:
      record(TraceKind::mmio_cached, hit);
      break;
    case Step::event:
      record(hit.kind, hit);
      break;
    case Step::nothing:
      break;
  }
}

/// The event while it can be refined; null if it was dropped as late, or emitted.
TraceEvent* FaultFolder::find(const std::optional<ReorderWindow::Ticket>& event) {
  return event ? window_.find(*event) : nullptr;
}

void FaultFolder::begin(TraceKind kind, const TracepointHit& hit) {
  event_ = record(kind, hit);
  open_ = true;
  began_as_page_fault_ = resolved_ = false;
  write_ = hit.write;
  address_page_ = hit.page;
  if (unmapped_count_ == unmapped_.size()) {
    std::copy(unmapped_.begin() + 1, unmapped_.end(), unmapped_.begin());
    --unmapped_count_;
  }
  unmapped_[unmapped_count_++] = {hit.page, event_};
}

void FaultFolder::resolve(TraceKind kind, std::uint64_t gfn) {
  resolved_ = true;
  unmapped_count_ = 0;
  if (TraceEvent* event = find(event_)) {
    event->kind = kind;
    event->gfn = gfn;
  }
}

void FaultFolder::expect_mmio(std::uint64_t gfn) {
  mmio_page_ = gfn;
  mmio_matched_ = mmio_done_ = false;
}

// Under shadow paging a fault begins with a walk of the guest's tables, and its address is guest-virtual. The event
// remains a guest_walk if no page is mapped afterwards: the guest's own page fault, or an address that the emulator
// needed.
void FaultFolder::guest_walk(const TracepointHit& hit) {
  if (open_ && began_as_page_fault_ && !resolved_ && address_page_ == hit.page) {
    if (TraceEvent* event = find(event_)) event->kind = TraceKind::guest_walk;
    return;
  }
  begin(TraceKind::guest_walk, hit);
}

void FaultFolder::map(const TracepointHit& hit) {
  if (open_ && !resolved_) {
    resolve(write_ ? TraceKind::write_fault : TraceKind::read_fault, hit.page);
  } else if (!open_ || hit.step == Step::spte_requested) {
    begin(TraceKind::fault, hit);  // no tracepoint recorded its beginning
    resolve(TraceKind::fault, hit.page);
  }
}

void FaultFolder::fast_fault(const TracepointHit& hit) {
  if (!open_ || resolved_ || address_page_ != hit.page) {
    begin(hit.write ? TraceKind::write_fault : TraceKind::read_fault, hit);
  }
  if (hit.fixed) {
    resolve(TraceKind::fast_fault, hit.page);
  } else if (hit.spurious) {
    resolve(TraceKind::spurious_fault, hit.page);
  }
}

void FaultFolder::mmio_marked(const TracepointHit& hit) {
  // Without a fault it is the synchronisation of a shadow page, not an access.
  const TraceEvent* event = open_ ? find(event_) : nullptr;
  if (event == nullptr || (resolved_ && event->gfn != hit.page)) return;
  resolve(TraceKind::mmio_fault, hit.page);
  expect_mmio(hit.page);
}

/// Makes the oldest of the first `before` faults on that address the event of the device access: an mmio_fault if it
/// walked the guest's tables, otherwise `without_walk`. False if there is none.
bool FaultFolder::fault_was_mmio(std::uint64_t address_page, std::size_t before, std::uint64_t gfn,
                                 TraceKind without_walk) {
  for (std::size_t i = 0; i < before; ++i) {
    if (unmapped_[i].page != address_page) continue;
    unmapped_count_ = 0;
    resolved_ = true;
    if (TraceEvent* event = find(unmapped_[i].event)) {
      event->kind = event->kind == TraceKind::guest_walk ? TraceKind::mmio_fault : without_walk;
      event->gfn = gfn;
    }
    return true;
  }
  return false;
}

// The emulator found the device's page in the vCPU's cache. The preceding fault may have put it there.
void FaultFolder::mmio_matched(const TracepointHit& hit) {
  if (mmio_page_ == hit.page && !mmio_matched_ && !mmio_done_) {
    mmio_matched_ = true;
    return;
  }
  expect_mmio(hit.page);
  mmio_matched_ = true;
  constexpr TraceKind kCached = TraceKind::mmio_cached;
  if (fault_was_mmio(hit.virtual_page, unmapped_count_, hit.page, kCached)) return;
  if (fault_was_mmio(hit.page, unmapped_count_, hit.page, kCached)) return;  // its address was a gpa
  record(kCached, hit);
}

// The access itself. If neither cache nor MMIO SPTE led to it, it belongs to a fault on its address: under shadow
// paging the address of the emulator's last walk, otherwise its gpa.
void FaultFolder::mmio_done(const TracepointHit& hit) {
  const bool awaited = hit.read_completed && awaited_page_ == hit.page;
  if (hit.read_completed) awaited_page_ = kNoPage;
  if (hit.awaits_user_space) awaited_page_ = hit.page;
  if (awaited) return;
  if (mmio_page_ != hit.page || mmio_done_) {
    constexpr TraceKind kFault = TraceKind::mmio_fault;
    const std::size_t last = unmapped_count_ == 0 ? 0 : unmapped_count_ - 1;
    const bool found = fault_was_mmio(unmapped_[last].page, last, hit.page, kFault) ||
                       fault_was_mmio(hit.page, unmapped_count_, hit.page, kFault);
    if (!found) record(TraceKind::mmio_emulated, hit);
    mmio_page_ = hit.page;
  }
  mmio_done_ = true;
}

}  // namespace shadowwalk::trace
