#include "harness/trace/tracepoint_hit.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace shadowwalk::trace {
namespace {

constexpr unsigned kPageShift = 12;
constexpr unsigned kLevelShift = 9;
constexpr unsigned kMaxLevel = 5;

/// The number of 4 KiB pages that the entries of a page of this level map.
constexpr std::uint64_t pages_below(unsigned level) { return std::uint64_t{1} << kLevelShift * level; }

bool set_page(TracepointHit& hit, std::optional<std::uint64_t> gfn) {
  if (!gfn || *gfn >= kTraceGfnLimit) return false;
  hit.page = *gfn;
  return true;
}

bool set_address(TracepointHit& hit, std::optional<std::uint64_t> address) {
  return address && set_page(hit, *address >> kPageShift);
}

bool boundary(const EventFields&, TracepointHit& hit) {
  hit.step = Step::boundary;
  return true;
}

/// Bit 1 is a write in the x86 page-fault error code, which shadow paging and AMD report, and in the exit
/// qualification, which Intel's EPT reports instead.
bool page_fault(const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::page_fault;
  const auto code = fields.hex("error_code ", "error_code");
  hit.write = code && (*code & 2) != 0;
  return code && set_address(hit, fields.hex("address ", "fault_address"));
}

bool guest_walk(const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::guest_walk;
  const auto code = fields.hex("pferr ", "pferr");
  hit.write = code && (*code & 2) != 0;
  return code && set_address(hit, fields.hex("addr ", "addr"));
}

bool at_gfn(Step step, const EventFields& fields, TracepointHit& hit) {
  hit.step = step;
  return set_page(hit, fields.hex("gfn ", "gfn"));
}
bool spte_requested(const EventFields& fields, TracepointHit& hit) { return at_gfn(Step::spte_requested, fields, hit); }
bool spte_set(const EventFields& fields, TracepointHit& hit) { return at_gfn(Step::spte_set, fields, hit); }
bool mmio_marked(const EventFields& fields, TracepointHit& hit) { return at_gfn(Step::mmio_marked, fields, hit); }
bool mmio_handled(const EventFields& fields, TracepointHit& hit) { return at_gfn(Step::mmio_handled, fields, hit); }

bool at_gpa(Step step, const EventFields& fields, TracepointHit& hit) {
  hit.step = step;
  return set_address(hit, fields.hex("gpa ", "gpa"));
}
bool mmio_matched(const EventFields& fields, TracepointHit& hit) {
  if (const auto address = fields.hex("gva ", "gva")) hit.virtual_page = *address >> kPageShift;
  return at_gpa(Step::mmio_matched, fields, hit);
}
bool mmio_fast(const EventFields& fields, TracepointHit& hit) { return at_gpa(Step::mmio_fast, fields, hit); }

bool mmio_done(const EventFields& fields, TracepointHit& hit) {
  const auto type = fields.number("type ", "type", 10);  // raw only; the format prints words
  hit.awaits_user_space = type ? *type == 0 : fields.has_word("unsatisfied-read");
  hit.read_completed = type ? *type == 1 : fields.has_word("read");
  return at_gpa(Step::mmio_done, fields, hit);
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
  hit.step = Step::fast_fault;
  if (const auto fixed = fields.number("fixed ", "fixed", 10)) {
    hit.write = has_flag(fields.word_after("error_code "), "W");
    hit.fixed = *fixed == 1;
    hit.spurious = fields.number("spurious ", "spurious", 10).value_or(0) == 1;
    return set_address(hit, fields.hex("gva ", "cr2_or_gpa"));
  }
  // Raw: the meaning of the number `ret` changed between kernels, but fixing an SPTE changes its value.
  const auto before = fields.hex("old ", "old_spte");
  const auto after = fields.hex("new ", "new_spte");
  hit.write = (fields.hex("error_code ", "error_code").value_or(0) & 2) != 0;
  hit.fixed = before && after && *before != *after;
  return before && after && set_address(hit, fields.hex("gva ", "cr2_or_gpa"));
}

/// The level of a shadow page and whether it is direct, from the role's word or its text: "gfn 1f0 l1 8-byte q0
/// direct", in older kernels "gfn 1f0 1/4 q0 direct" or "gfn 1f0 1 8-byte"; libtraceevent's kvm plugin prints "1 q0
/// direct".
bool read_role(const EventFields& fields, unsigned& level, bool& direct) {
  if (const auto role = fields.number("role ", "role", 10)) {
    level = *role & 0xf;
    direct = (*role >> 7 & 1) != 0;
  } else {
    std::string_view word = fields.word_after("gfn ").empty() ? fields.first_word() : fields.second_word_after("gfn ");
    if (word.starts_with('l')) word.remove_prefix(1);
    if (std::from_chars(word.data(), word.data() + word.size(), level).ec != std::errc()) return false;
    direct = fields.has_word("direct");
  }
  return level >= 1 && level <= kMaxLevel;
}

bool shadow_page(TraceKind kind, const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::event;
  hit.kind = kind;
  unsigned level = 0;
  bool direct = false;
  if (!read_role(fields, level, direct)) return false;
  if (kind == TraceKind::zap_table) {
    if (direct) hit.kind = TraceKind::zap_page;
    hit.pages = pages_below(level);
  }
  const auto gfn = fields.hex("gfn ", "gfn");
  if (!gfn && fields.word_after("gfn ").empty() && fields.word_after("gfn=").empty()) {
    hit.page = kUnknownGfn;  // libtraceevent's kvm plugin omits it
    return true;
  }
  return set_page(hit, gfn);
}
bool unsync_page(const EventFields& fields, TracepointHit& hit) {
  return shadow_page(TraceKind::pagetable_write, fields, hit);
}
bool sync_page(const EventFields& fields, TracepointHit& hit) {
  return shadow_page(TraceKind::pagetable_sync, fields, hit);
}
bool prepare_zap(const EventFields& fields, TracepointHit& hit) {
  return shadow_page(TraceKind::zap_table, fields, hit);
}

bool zap_all(const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::event;
  hit.kind = TraceKind::zap_all;
  const auto used = fields.hex("used_pages ", "mmu_used_pages");
  hit.pages = used.value_or(0);
  return used && *used < kTraceGfnLimit;
}

bool unmap_range(const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::event;
  hit.kind = TraceKind::unmap_hva;
  const auto begin = fields.hex("range: ", "start");
  const auto end = fields.hex("-- ", "end");
  if (!begin || !end || *end <= *begin) return false;
  hit.pages = ((*end - 1) >> kPageShift) - (*begin >> kPageShift) + 1;
  return set_address(hit, begin);
}

bool unmap_one(const EventFields& fields, TracepointHit& hit) {
  hit.step = Step::event;
  hit.kind = TraceKind::unmap_hva;
  return set_address(hit, fields.hex("hva: ", "hva"));
}

/// The TDP MMU's leaves; kvm_mmu_prepare_zap_page also records the pages that it unlinks.
bool tdp_spte_changed(const EventFields& fields, TracepointHit& hit) {
  constexpr std::uint64_t kWritable = 1 << 1, kLargePage = 1 << 7, kShadowPresent = 1 << 11;
  const auto level = fields.number("level ", "level", 10);
  const auto before = fields.hex("old_spte ", "old_spte");
  const auto after = fields.hex("new_spte ", "new_spte");
  if (!level || *level < 1 || *level > kMaxLevel || !before || !after) return false;
  if (!set_page(hit, fields.hex("gfn ", "gfn"))) return false;
  const auto is_leaf = [&](std::uint64_t spte) {
    return (spte & kShadowPresent) != 0 && (*level == 1 || (spte & kLargePage) != 0);
  };
  hit.pages = pages_below(static_cast<unsigned>(*level) - 1);
  if (!is_leaf(*before)) return true;
  if ((*after & kShadowPresent) == 0) {
    hit.step = Step::event;
    hit.kind = TraceKind::zap_leaf;
  } else if (is_leaf(*after) && (*before & kWritable) != 0 && (*after & kWritable) == 0) {
    hit.step = Step::event;
    hit.kind = TraceKind::write_protect;
  }
  return true;
}

struct Reader {
  std::string_view name;
  bool (*read)(const EventFields&, TracepointHit&);
};

constexpr std::array kReaders = {
    Reader{"fast_page_fault", fast_fault},
    Reader{"handle_mmio_page_fault", mmio_handled},
    Reader{"kvm_entry", boundary},
    Reader{"kvm_exit", boundary},
    Reader{"kvm_fast_mmio", mmio_fast},
    Reader{"kvm_mmio", mmio_done},
    Reader{"kvm_mmu_pagetable_walk", guest_walk},
    Reader{"kvm_mmu_prepare_zap_page", prepare_zap},
    Reader{"kvm_mmu_set_spte", spte_set},
    Reader{"kvm_mmu_spte_requested", spte_requested},
    Reader{"kvm_mmu_sync_page", sync_page},
    Reader{"kvm_mmu_unsync_page", unsync_page},
    Reader{"kvm_mmu_zap_all_fast", zap_all},
    Reader{"kvm_page_fault", page_fault},
    Reader{"kvm_tdp_mmu_spte_changed", tdp_spte_changed},
    Reader{"kvm_unmap_hva", unmap_one},
    Reader{"kvm_unmap_hva_range", unmap_range},
    Reader{"kvm_userspace_exit", boundary},
    Reader{"mark_mmio_spte", mmio_marked},
    Reader{"vcpu_match_mmio", mmio_matched},
};
static_assert(std::is_sorted(kReaders.begin(), kReaders.end(),
                             [](const Reader& a, const Reader& b) { return a.name < b.name; }));

}  // namespace

bool runs_vcpu(const TracepointHit& hit) {
  // Not pagetable_sync: unlinking a shadow page that is out of sync also emits it, on any thread.
  if (hit.step == Step::event) return hit.kind == TraceKind::pagetable_write;
  return hit.step != Step::nothing;
}

Reading read_tracepoint(const EventLine& line, TracepointHit& hit) {
  if (!line.system.empty() && line.system != "kvm" && line.system != "kvmmmu") return Reading::unused;
  const auto found = std::lower_bound(kReaders.begin(), kReaders.end(), line.name,
                                      [](const Reader& reader, std::string_view name) { return reader.name < name; });
  if (found == kReaders.end() || found->name != line.name) return Reading::unused;
  hit = {};
  return found->read(EventFields(line.fields), hit) ? Reading::hit : Reading::malformed;
}

}  // namespace shadowwalk::trace
