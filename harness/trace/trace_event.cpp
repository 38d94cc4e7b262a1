#include "harness/trace/trace_event.hpp"

#include <algorithm>

namespace shadowwalk::trace {
namespace {

struct KindRow {
  std::string_view name;
  std::optional<AccessKind> access = {};
  bool is_zap = false;
};

/// Indexed by TraceKind; the first row is for values that are no kind.
constexpr KindRow kKinds[kMaxTraceKind + 1] = {
    {.name = "?"},
    {.name = "read_fault", .access = AccessKind::read},
    {.name = "write_fault", .access = AccessKind::write},
    {.name = "fault", .access = AccessKind::read},
    {.name = "fast_fault", .access = AccessKind::write},
    {.name = "spurious_fault", .access = AccessKind::read},
    {.name = "mmio_fault", .access = AccessKind::mmio},
    {.name = "mmio_cached"},
    {.name = "mmio_emulated", .access = AccessKind::mmio},
    {.name = "guest_walk"},
    {.name = "pagetable_write"},
    {.name = "pagetable_sync"},
    {.name = "zap_page", .is_zap = true},
    {.name = "zap_table", .is_zap = true},
    {.name = "zap_leaf", .is_zap = true},
    {.name = "zap_all", .is_zap = true},
    {.name = "unmap_hva", .is_zap = true},
    {.name = "write_protect"},
};

const KindRow& row_of(TraceKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  return kKinds[number <= kMaxTraceKind ? number : 0];
}

}  // namespace

std::string_view kind_name(TraceKind kind) { return row_of(kind).name; }
std::optional<AccessKind> access_of(TraceKind kind) { return row_of(kind).access; }
bool is_zap(TraceKind kind) { return row_of(kind).is_zap; }

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
