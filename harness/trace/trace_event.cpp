#include "harness/trace/trace_event.hpp"

#include <algorithm>

namespace shadowwalk::trace {

std::string_view kind_name(TraceKind kind) {
  switch (kind) {
    case TraceKind::read_fault:
      return "read_fault";
    case TraceKind::write_fault:
      return "write_fault";
    case TraceKind::fault:
      return "fault";
    case TraceKind::fast_fault:
      return "fast_fault";
    case TraceKind::spurious_fault:
      return "spurious_fault";
    case TraceKind::mmio_fault:
      return "mmio_fault";
    case TraceKind::mmio_cached:
      return "mmio_cached";
    case TraceKind::mmio_emulated:
      return "mmio_emulated";
    case TraceKind::guest_walk:
      return "guest_walk";
    case TraceKind::pagetable_write:
      return "pagetable_write";
    case TraceKind::pagetable_sync:
      return "pagetable_sync";
    case TraceKind::zap_page:
      return "zap_page";
    case TraceKind::zap_table:
      return "zap_table";
    case TraceKind::zap_leaf:
      return "zap_leaf";
    case TraceKind::zap_all:
      return "zap_all";
    case TraceKind::unmap_hva:
      return "unmap_hva";
    case TraceKind::write_protect:
      return "write_protect";
  }
  return "?";
}

std::optional<AccessKind> access_of(TraceKind kind) {
  switch (kind) {
    case TraceKind::read_fault:
    case TraceKind::fault:
    case TraceKind::spurious_fault:
      return AccessKind::read;
    case TraceKind::write_fault:
    case TraceKind::fast_fault:
      return AccessKind::write;
    case TraceKind::mmio_fault:
    case TraceKind::mmio_emulated:
      return AccessKind::mmio;
    default:
      return std::nullopt;
  }
}

bool is_zap(TraceKind kind) {
  switch (kind) {
    case TraceKind::zap_page:
    case TraceKind::zap_table:
    case TraceKind::zap_leaf:
    case TraceKind::zap_all:
    case TraceKind::unmap_hva:
      return true;
    default:
      return false;
  }
}

void TraceInfo::count(const TraceEvent& event) {
  ++events;
  duration_ns = event.time_ns;
  ++by_kind[static_cast<std::size_t>(event.kind)];
  if (event.vcpu == kHostThread) {
    ++host_events;
  } else {
    vcpus = std::max(vcpus, event.vcpu + 1);
  }
  if (access_of(event.kind) && event.gfn != kUnknownGfn) {
    first_gfn = last_gfn == 0 ? event.gfn : std::min(first_gfn, event.gfn);
    last_gfn = std::max(last_gfn, event.gfn + 1);
  }
}

}  // namespace shadowwalk::trace
