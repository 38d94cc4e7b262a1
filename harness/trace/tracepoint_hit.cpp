#include "harness/trace/tracepoint_hit.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "harness/trace/page_role.hpp"

namespace shadowwalk::trace {
namespace {

constexpr unsigned kPageShift = 12;
constexpr unsigned kLevelShift = 9;
constexpr unsigned kMaxLevel = 5;

/// The number of 4 KiB pages that the entries of a page of this level map.
constexpr std::uint64_t pages_below(unsigned level) { return std::uint64_t{1} << kLevelShift * level; }

bool set_page(TracepointHit& hit, std::optional<std::uint64_t> page) {
  if (!page || *page >= kTraceGfnLimit) return false;
  hit.page = *page;
  return true;
}

bool set_address(TracepointHit& hit, std::optional<std::uint64_t> address) {
  return address && set_page(hit, *address >> kPageShift);
}

/// A gfn without the bit that says whether a confidential guest shares the page with its host or has encrypted it: bit
/// 47 or 51 of its address, alone above 64 TiB (TDX's shared bit, SEV's C bit). It selects no other page.
bool set_gfn(TracepointHit& hit, std::optional<std::uint64_t> gfn) {
  constexpr std::uint64_t kBelow = std::uint64_t{1} << (46 - kPageShift);
  for (const unsigned bit : {47, 51}) {
    if (!gfn || *gfn >> (bit - kPageShift) != 1) continue;
    const std::uint64_t rest = *gfn ^ std::uint64_t{1} << (bit - kPageShift);
    if (rest >= kBelow) continue;
    hit.had_shared_bit = true;
    gfn = rest;
  }
  return set_page(hit, gfn);
}

bool set_gpa(TracepointHit& hit, std::optional<std::uint64_t> gpa) { return gpa && set_gfn(hit, *gpa >> kPageShift); }

void set_vcpu(const EventFields& fields, TracepointHit& hit) {
  const auto id = fields.number("vcpu ", "vcpu_id", 10);
  if (id && *id < UINT32_MAX) hit.vcpu_id = static_cast<std::uint32_t>(*id);
}

bool boundary(const EventFields& fields, TracepointHit& hit) {
  set_vcpu(fields, hit);
  return true;
}
bool at_gfn(const EventFields& fields, TracepointHit& hit) { return set_gfn(hit, fields.hex("gfn ", "gfn")); }
bool at_gpa(const EventFields& fields, TracepointHit& hit) { return set_gpa(hit, fields.hex("gpa ", "gpa")); }
bool at_hva(const EventFields& fields, TracepointHit& hit) { return set_address(hit, fields.hex("hva: ", "hva")); }

/// Bit 1 is a write in the x86 page-fault error code, which shadow paging and AMD report, and in the exit
/// qualification, which Intel's EPT reports instead.
bool page_fault(const EventFields& fields, TracepointHit& hit) {
  const auto code = fields.hex("error_code ", "error_code");
  hit.write = code && (*code & 2) != 0;
  set_vcpu(fields, hit);
  return code && set_gpa(hit, fields.hex("address ", "fault_address"));
}

/// arm64's syndrome of an abort: bits 26-31 are its class, and bit 6 says whether a data abort is a write.
bool guest_fault(const EventFields& fields, TracepointHit& hit) {
  constexpr std::uint64_t kDataAbort = 0x24, kDataAbortSameLevel = 0x25;
  const auto syndrome = fields.hex("hsr ", "hsr");
  const std::uint64_t error_class = syndrome.value_or(0) >> 26 & 0x3f;
  hit.write = (error_class == kDataAbort || error_class == kDataAbortSameLevel) && (*syndrome >> 6 & 1) != 0;
  return syndrome && set_gpa(hit, fields.hex("ipa ", "ipa"));
}

bool guest_walk(const EventFields& fields, TracepointHit& hit) {
  const auto code = fields.hex("pferr ", "pferr");
  hit.write = code && (*code & 2) != 0;
  return code && set_address(hit, fields.hex("addr ", "addr"));
}

bool mmio_matched(const EventFields& fields, TracepointHit& hit) {
  if (const auto address = fields.hex("gva ", "gva")) hit.virtual_page = *address >> kPageShift;
  return at_gpa(fields, hit);
}

bool mmio_done(const EventFields& fields, TracepointHit& hit) {
  const auto type = fields.number("type ", "type", 10);  // raw only; the format prints words
  hit.awaits_user_space = type ? *type == 0 : fields.has_word("unsatisfied-read");
  hit.read_completed = type ? *type == 1 : fields.has_word("read");
  return at_gpa(fields, hit);
}

/// A word of "P|W|U".
bool has_flag(std::string_view flags, std::string_view flag) {
  while (!flags.empty()) {
    const std::size_t bar = std::min(flags.find('|'), flags.size());
    if (flags.substr(0, bar) == flag) return true;
    flags.remove_prefix(std::min(bar + 1, flags.size()));
  }
  return false;
}

bool fast_fault(const EventFields& fields, TracepointHit& hit) {
  set_vcpu(fields, hit);
  const auto address = fields.hex("gva ", "gva");  // the field's name before 5.6
  const auto gpa = address ? address : fields.hex("gva ", "cr2_or_gpa");
  if (const auto fixed = fields.number("fixed ", "fixed", 10)) {
    hit.write = has_flag(fields.word_after("error_code "), "W");
    hit.spurious = fields.number("spurious ", "spurious", 10).value_or(0) == 1;
    hit.fixed = *fixed == 1 && !hit.spurious;  // older kernels print 1 for both if the SPTE was writable already
    return set_gpa(hit, gpa);
  }
  // Raw: `retry` before 5.9 and the number `ret` since then differ in meaning, but fixing an SPTE changes its value.
  const auto before = fields.hex("old ", "old_spte");
  const auto after = fields.hex("new ", "new_spte");
  hit.write = (fields.hex("error_code ", "error_code").value_or(0) & 2) != 0;
  hit.fixed = before && after && *before != *after;
  hit.spurious = !hit.fixed && fields.number("retry ", "retry", 10) == 1;
  return before && after && set_gpa(hit, gpa);
}

/// The level of a shadow page and whether it is direct, from the role's word or its text: "gfn 1f0 l1 8-byte q0
/// direct", in older kernels "gfn 1f0 1/4 q0 direct" or "gfn 1f0 1 8-byte"; libtraceevent's kvm plugin prints "1 q0
/// direct".
bool read_role(const EventFields& fields, unsigned& level, bool& direct) {
  if (const auto role = fields.number("role ", "role", 10)) {
    level = page_role(*role).level;
    direct = page_role(*role).direct;
  } else {
    // A line that was cut off does not end like this, and `direct` may be missing in it.
    const std::string_view last = fields.word_after("root ", 1);
    if (!fields.number("q", "", 10) || (!last.starts_with("sync") && !last.starts_with("unsync"))) return false;
    std::string_view word = fields.word_after("gfn ").empty() ? fields.word_after("") : fields.word_after("gfn ", 1);
    if (word.starts_with('l')) word.remove_prefix(1);
    if (std::from_chars(word.data(), word.data() + word.size(), level).ec != std::errc()) return false;
    direct = fields.has_word("direct");
  }
  return level >= 1 && level <= kMaxLevel;
}

/// Of a zap_table: a zap_page if the page is direct.
bool shadow_page(const EventFields& fields, TracepointHit& hit) {
  unsigned level = 0;
  bool direct = false;
  if (!read_role(fields, level, direct)) return false;
  if (hit.kind == TraceKind::zap_table) {
    if (direct) hit.kind = TraceKind::zap_page;
    hit.pages = pages_below(level);
  }
  const auto gfn = fields.hex("gfn ", "gfn");
  if (!gfn && fields.word_after("gfn ").empty() && fields.word_after("gfn=").empty()) {
    hit.page = kUnknownGfn;  // libtraceevent's kvm plugin omits it
    return true;
  }
  return set_gfn(hit, gfn);
}

bool zap_all(const EventFields& fields, TracepointHit& hit) {
  const auto used = fields.hex("used_pages ", "mmu_used_pages");
  hit.pages = used.value_or(0);
  return used && *used < kTraceGfnLimit;
}

bool unmap_range(const EventFields& fields, TracepointHit& hit) {
  const auto begin = fields.hex("range: ", "start");
  const auto end = fields.hex("-- ", "end");
  if (!begin || !end || *end <= *begin) return false;
  hit.pages = ((*end - 1) >> kPageShift) - (*begin >> kPageShift) + 1;
  return set_address(hit, begin);
}

/// The TDP MMU's leaves; kvm_mmu_prepare_zap_page also records the pages that it unlinks.
bool tdp_spte_changed(const EventFields& fields, TracepointHit& hit) {
  constexpr std::uint64_t kWritable = 1 << 1, kLargePage = 1 << 7, kShadowPresent = 1 << 11;
  const auto level = fields.number("level ", "level", 10);
  const auto before = fields.hex("old_spte ", "old_spte");
  const auto after = fields.hex("new_spte ", "new_spte");
  if (!level || *level < 1 || *level > kMaxLevel || !before || !after) return false;
  const auto gfn = fields.hex("gfn ", "gfn");
  if (!set_page(hit, gfn)) return false;
  const auto is_leaf = [&](std::uint64_t spte) {
    return (spte & kShadowPresent) != 0 && (*level == 1 || (spte & kLargePage) != 0);
  };
  hit.pages = pages_below(static_cast<unsigned>(*level) - 1);
  if (!is_leaf(*before)) return true;  // above the leaves, the bit of a shared half is one of an entry's number
  set_gfn(hit, gfn);
  if ((*after & kShadowPresent) == 0) {
    hit.step = Step::event;
    hit.kind = TraceKind::zap_leaf;
  } else if (is_leaf(*after) && (*before & kWritable) != 0 && (*after & kWritable) == 0) {
    hit.step = Step::event;
    hit.kind = TraceKind::write_protect;
  }
  return true;
}

struct Tracepoint {
  std::string_view name;
  Step step;
  bool (*read)(const EventFields&, TracepointHit&);  ///< the rest of the hit; false: the fields are malformed
  TraceKind kind = TraceKind::read_fault;            ///< of Step::event
};

constexpr std::array kTracepoints = {
    Tracepoint{"fast_page_fault", Step::fast_fault, fast_fault},
    Tracepoint{"handle_mmio_page_fault", Step::mmio_handled, at_gfn},
    Tracepoint{"kvm_entry", Step::boundary, boundary},
    Tracepoint{"kvm_exit", Step::boundary, boundary},
    Tracepoint{"kvm_fast_mmio", Step::mmio_fast, at_gpa},
    Tracepoint{"kvm_guest_fault", Step::page_fault, guest_fault},
    Tracepoint{"kvm_mmio", Step::mmio_done, mmio_done},
    Tracepoint{"kvm_mmu_invalidate_zap_all_pages", Step::event, zap_all, TraceKind::zap_all},  // before 5.4
    Tracepoint{"kvm_mmu_pagetable_walk", Step::guest_walk, guest_walk},
    Tracepoint{"kvm_mmu_prepare_zap_page", Step::event, shadow_page, TraceKind::zap_table},
    Tracepoint{"kvm_mmu_set_spte", Step::spte_set, at_gfn},
    Tracepoint{"kvm_mmu_spte_requested", Step::spte_requested, at_gfn},
    Tracepoint{"kvm_mmu_sync_page", Step::event, shadow_page, TraceKind::pagetable_sync},
    Tracepoint{"kvm_mmu_unsync_page", Step::event, shadow_page, TraceKind::pagetable_write},
    Tracepoint{"kvm_mmu_zap_all_fast", Step::event, zap_all, TraceKind::zap_all},
    Tracepoint{"kvm_page_fault", Step::page_fault, page_fault},
    Tracepoint{"kvm_set_spte_hva", Step::event, at_hva, TraceKind::unmap_hva},  // before 6.10
    Tracepoint{"kvm_tdp_mmu_spte_changed", Step::nothing, tdp_spte_changed},
    Tracepoint{"kvm_unmap_hva", Step::event, at_hva, TraceKind::unmap_hva},
    Tracepoint{"kvm_unmap_hva_range", Step::event, unmap_range, TraceKind::unmap_hva},
    Tracepoint{"kvm_userspace_exit", Step::boundary, boundary},
    Tracepoint{"mark_mmio_spte", Step::mmio_marked, at_gfn},
    Tracepoint{"vcpu_match_mmio", Step::mmio_matched, mmio_matched},
};
static_assert(std::ranges::is_sorted(kTracepoints, {}, &Tracepoint::name));

}  // namespace

bool runs_vcpu(const TracepointHit& hit) {
  // Not pagetable_sync: unlinking a shadow page that is out of sync also emits it, on any thread.
  if (hit.step == Step::event) return hit.kind == TraceKind::pagetable_write;
  return hit.step != Step::nothing;
}

Reading read_tracepoint(const EventLine& line, TracepointHit& hit) {
  if (!line.system.empty() && line.system != "kvm" && line.system != "kvmmmu") return Reading::unused;
  const auto found = std::ranges::lower_bound(kTracepoints, line.name, {}, &Tracepoint::name);
  if (found == kTracepoints.end() || found->name != line.name) return Reading::unused;
  hit = {.time_ns = line.time_ns, .step = found->step, .kind = found->kind};
  return found->read(EventFields(line.fields), hit) ? Reading::hit : Reading::malformed;
}

}  // namespace shadowwalk::trace
