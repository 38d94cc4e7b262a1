#include "harness/trace/tracepoint_hit.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace shadowwalk::trace {
namespace {

Reading read(std::string_view name, std::string_view fields, TracepointHit& hit, std::string_view system = "") {
  EventLine line;
  line.system = system;
  line.name = name;
  line.fields = fields;
  return read_tracepoint(line, hit);
}

TracepointHit hit_of(std::string_view name, std::string_view fields) {
  TracepointHit hit;
  EXPECT_EQ(read(name, fields, hit), Reading::hit) << name << ": " << fields;
  return hit;
}

TEST(TracepointHit, AFaultsAddressAndAccess) {
  // today's kernel, one before 6.0, and libtraceevent
  for (const char* fields : {"vcpu 3 rip 0xffffffff81000000 address 0x00000000fee01234 error_code 0x6",
                             "address fee01234 error_code 6", "fault_address=0xfee01234 error_code=6"}) {
    const TracepointHit hit = hit_of("kvm_page_fault", fields);
    EXPECT_EQ(hit.step, Step::page_fault);
    EXPECT_EQ(hit.page, 0xfee01u);
    EXPECT_TRUE(hit.write);
  }
  EXPECT_FALSE(hit_of("kvm_page_fault", "address 1000 error_code 14").write) << "a fetch";
}

TEST(TracepointHit, TheRoleOfAShadowPageAsEveryKernelAndToolPrintsIt) {
  struct Case {
    const char* fields;
    TraceKind kind;
    std::uint64_t gfn, pages;
  };
  for (const Case& expected : {
           Case{"sp gen 0 gfn 1f000 l1 8-byte q0 direct wux nxe !ad root 0 sync", TraceKind::zap_page, 0x1f000, 512},
           Case{"sp gen 0 gfn 20 l4 8-byte q0 wux nxe ad root 1 sync", TraceKind::zap_table, 0x20, 512ull << 27},
           Case{"sp gen 7 gfn 20 2 8-byte q0 direct wux !nxe ad root 0 unsync", TraceKind::zap_page, 0x20, 512 << 9},
           Case{"sp gfn 20 1/4 q0 direct wux !pge !nxe root 0 sync", TraceKind::zap_page, 0x20, 512},
           Case{"[FAILED TO PARSE] mmu_valid_gen=0 gfn=32 role=14084 root_count=1 unsync=0", TraceKind::zap_table, 32,
                512ull << 27},
           Case{"mmu_valid_gen=0 gfn=0x1000 role=14209 root_count=0 unsync=0", TraceKind::zap_page, 0x1000, 512},
           Case{"1 q0 direct wux pae nxe wp root 0 sync", TraceKind::zap_page, kUnknownGfn, 512},  // the kvm plugin
           // raw, of Linux 3.10 and of 2.6.34
           Case{"[FAILED TO PARSE] mmu_valid_gen=2 gfn=4608 role=385041 root_count=0", TraceKind::zap_page, 0x1200,
                512},
           Case{"[FAILED TO PARSE] mmu_valid_gen=2 gfn=32 role=901140 root_count=0", TraceKind::zap_table, 32,
                512ull << 27},
           Case{"[FAILED TO PARSE] gfn=4608 role=983056 root_count=0 unsync=0", TraceKind::zap_page, 0x1200, 512},
       }) {
    const TracepointHit hit = hit_of("kvm_mmu_prepare_zap_page", expected.fields);
    EXPECT_EQ(hit.step, Step::event);
    EXPECT_EQ(hit.kind, expected.kind) << expected.fields;
    EXPECT_EQ(hit.page, expected.gfn) << expected.fields;
    EXPECT_EQ(hit.pages, expected.pages) << expected.fields;
  }
}

TEST(TracepointHit, WhatTheTdpMmuChanged) {
  const auto changed = [](const char* fields) { return hit_of("kvm_tdp_mmu_spte_changed", fields); };
  const TracepointHit zapped = changed("as id 0 gfn 1200 level 2 old_spte 60000000de00bf7 new_spte 5a0");
  EXPECT_EQ(zapped.step, Step::event);
  EXPECT_EQ(zapped.kind, TraceKind::zap_leaf);
  EXPECT_EQ(zapped.page, 0x1200u);
  EXPECT_EQ(zapped.pages, 512u);
  EXPECT_EQ(changed("as id 0 gfn 12 level 1 old_spte 123450f7 new_spte 0").step, Step::nothing)
      << "bit 11 is clear: it was not present";
  const TracepointHit write_protected = changed("as id 0 gfn 12 level 1 old_spte 12345877 new_spte 12345875");
  EXPECT_EQ(write_protected.kind, TraceKind::write_protect);
  EXPECT_EQ(write_protected.step, Step::event);
  EXPECT_EQ(write_protected.pages, 1u);
  EXPECT_EQ(changed("as id 0 gfn 12 level 1 old_spte 0 new_spte 12345877").step, Step::nothing) << "mapped";
  EXPECT_EQ(changed("as id 0 gfn 0 level 3 old_spte 12345807 new_spte 5a0").step, Step::nothing)
      << "a page: kvm_mmu_prepare_zap_page tells it";
}

TEST(TracepointHit, TheRest) {
  EXPECT_EQ(hit_of("kvm_mmu_zap_all_fast", "kvm-mmu-valid-gen 1 used_pages 1d").pages, 0x1du);
  const TracepointHit range =
      hit_of("kvm_unmap_hva_range", "mmu notifier unmap range: 0x007fa19a200000 -- 0x007fa19a203000");
  EXPECT_EQ(range.kind, TraceKind::unmap_hva);
  EXPECT_EQ(range.page, 0x7fa19a200u);
  EXPECT_EQ(range.pages, 3u);
  EXPECT_EQ(hit_of("kvm_unmap_hva_range", "start=0x1fff end=0x2001").pages, 2u) << "pages that are touched";
  const TracepointHit set = hit_of("kvm_set_spte_hva", "mmu notifier set pte hva: 0x007fa19a200000");
  EXPECT_EQ(set.kind, TraceKind::unmap_hva);
  EXPECT_EQ(set.page, 0x7fa19a200u);
  EXPECT_EQ(set.pages, 1u);
  EXPECT_EQ(hit_of("handle_mmio_page_fault", "addr:fee00300 gfn fee00 access 6").page, 0xfee00u);
  EXPECT_EQ(hit_of("mark_mmio_spte", "sptep:00000000abcd gfn fee00 access 3 gen 1a").page, 0xfee00u);
  const TracepointHit matched = hit_of("vcpu_match_mmio", "gva 0x7f4010000 gpa 0x4010000 Read GVA");
  EXPECT_EQ(matched.page, 0x4010u);
  EXPECT_EQ(matched.virtual_page, 0x7f4010u);
  EXPECT_TRUE(hit_of("kvm_mmio", "mmio unsatisfied-read len 4 gpa 0x1000 val 0x0").awaits_user_space);
  EXPECT_TRUE(hit_of("kvm_mmio", "mmio read len 4 gpa 0x1000 val 0x0").read_completed);
  EXPECT_TRUE(hit_of("kvm_mmio", "type=0 len=4 gpa=0x1000 val=0x0").awaits_user_space);
  EXPECT_FALSE(hit_of("kvm_mmio", "type=2 len=4 gpa=0x1000 val=0x0").read_completed);
  const TracepointHit fast = hit_of("fast_page_fault",
                                    "vcpu 0 gva fee01234 error_code P|W|U sptep 0000000012345678 old 0x12345875 new "
                                    "12345877 spurious 0 fixed 1");
  EXPECT_TRUE(fast.write && fast.fixed && !fast.spurious);
  EXPECT_FALSE(
      hit_of("fast_page_fault", "vcpu 0 gva 1000 error_code P|U sptep 01 old 0x1 new 1 spurious 1 fixed 0").write);
  EXPECT_TRUE(
      hit_of("fast_page_fault", "vcpu_id=0 cr2_or_gpa=0x1000 error_code=7 sptep=0x1 old_spte=0x5 new_spte=0x7 ret=5")
          .fixed);
}

TEST(TracepointHit, FastFaultsOfOlderKernels) {
  const TracepointHit spurious =
      hit_of("fast_page_fault", "vcpu 0 gva 1000 error_code P|W sptep 01 old 0x7 new 7 spurious 1 fixed 1");
  EXPECT_TRUE(spurious.spurious && !spurious.fixed) << "4.x: the SPTE was writable before and after";
  const TracepointHit raw =
      hit_of("fast_page_fault", "vcpu_id=2 gva=0x1000 error_code=3 sptep=0x1 old_spte=0x5 new_spte=0x7 retry=1");
  EXPECT_TRUE(raw.fixed && raw.write);
  EXPECT_EQ(raw.page, 1u);
  EXPECT_EQ(raw.vcpu_id, 2u);
  EXPECT_TRUE(hit_of("fast_page_fault", "vcpu_id=2 gva=4096 error_code=3 sptep=0x1 old_spte=0x7 new_spte=0x7 retry=1")
                  .spurious);
  EXPECT_FALSE(hit_of("fast_page_fault", "vcpu_id=2 gva=4096 error_code=3 sptep=0x1 old_spte=0x7 new_spte=0x7 retry=0")
                   .spurious);
}

TEST(TracepointHit, AllPagesZappedBefore5_4) {
  for (const char* fields : {"kvm-mmu-valid-gen 7 used_pages 2c", "mmu_valid_gen=7 mmu_used_pages=44"}) {
    const TracepointHit hit = hit_of("kvm_mmu_invalidate_zap_all_pages", fields);
    EXPECT_EQ(hit.kind, TraceKind::zap_all);
    EXPECT_EQ(hit.pages, 0x2cu);
  }
}

TEST(TracepointHit, Arm64sFaults) {
  const TracepointHit write =
      hit_of("kvm_guest_fault", "ipa 0x48a31000, hsr 0x92000047, hxfar 0xffff000008a31040, pc 0xffff800010081a30");
  EXPECT_EQ(write.step, Step::page_fault);
  EXPECT_EQ(write.page, 0x48a31u);
  EXPECT_TRUE(write.write);
  EXPECT_FALSE(hit_of("kvm_guest_fault", "ipa 0x9000000, hsr 0x93810006, hxfar 0x1, pc 0x1").write);
  EXPECT_FALSE(hit_of("kvm_guest_fault", "ipa 0x9000000, hsr 0x82000047, hxfar 0x1, pc 0x1").write) << "a fetch";
  EXPECT_TRUE(hit_of("kvm_guest_fault", "vcpu_pc=0x1 hsr=2449473607 hxfar=0x1 ipa=0x48a31000").write) << "raw";
}

TEST(TracepointHit, AConfidentialGuestsSharedBitIsNoPartOfAGfn) {
  for (const char* address : {"0x0008000003212000", "0x0000800003212000"}) {
    const TracepointHit hit = hit_of("kvm_page_fault", fmt::format("vcpu 0 address {} error_code 0x2", address));
    EXPECT_EQ(hit.page, 0x3212u);
    EXPECT_TRUE(hit.had_shared_bit);
  }
  EXPECT_EQ(hit_of("kvm_mmu_spte_requested", "gfn 8000003212 pfn 1 level 1").page, 0x3212u);
  EXPECT_EQ(
      hit_of("kvm_tdp_mmu_spte_changed", "as id 0 gfn 800003212 level 1 old_spte 60000012345877 new_spte 5a0").page,
      0x3212u);
  EXPECT_FALSE(
      hit_of("kvm_tdp_mmu_spte_changed", "as id 0 gfn 800000000 level 4 old_spte 5a0 new_spte 0").had_shared_bit)
      << "entry 256 of a root table";
  EXPECT_EQ(hit_of("kvm_mmio", "mmio write len 4 gpa 0x80000fee00000 val 0x1").page, 0xfee00u);
  for (const std::uint64_t address :
       {0xe00003212000ull, 0xe000003212000ull, 0xffff888003212000ull, 0x3fff03212000ull}) {
    const TracepointHit hit = hit_of("kvm_page_fault", fmt::format("address {:x} error_code 2", address));
    EXPECT_EQ(hit.page, address >> 12) << "a device window at the top of memory, or a virtual address";
    EXPECT_FALSE(hit.had_shared_bit);
  }
  EXPECT_EQ(hit_of("kvm_unmap_hva_range", "range: 0x800003212000 -- 0x800003213000").page, 0x800003212u)
      << "an address of the host";
}

TEST(TracepointHit, FieldsThatNoKernelPrintsAreMalformed) {
  TracepointHit hit;
  for (const auto& [name, fields] : std::vector<std::pair<const char*, const char*>>{
           {"kvm_page_fault", ""},
           {"kvm_page_fault", "address 1000"},
           {"kvm_mmio", "mmio read len 4"},
           {"kvm_mmu_prepare_zap_page", ""},
           {"kvm_mmu_prepare_zap_page", "sp gen 0 gfn 20 l0 8-byte q0 direct wux nxe ad root 0 sync"},
           {"kvm_mmu_prepare_zap_page", "sp gen 0 gfn 20 l6 8-byte q0 direct wux nxe ad root 0 sync"},
           {"kvm_mmu_prepare_zap_page", "sp gen 0 gfn xyz l1 8-byte q0 direct wux nxe ad root 0 sync"},
           {"kvm_mmu_prepare_zap_page", "sp gen 0 gfn 20 l1 8-byte q0"},  // cut off: is it direct?
           {"kvm_mmu_prepare_zap_page", "sp gen 0 gfn 20 l1 8-byte q0direct wux nxe ad root 0 sync"},
           {"kvm_guest_fault", "ipa 0x1000, hxfar 0x1040"},
           {"kvm_mmu_prepare_zap_page", "gfn=99999999999999999999 role=14084"},
           {"kvm_mmu_set_spte", "gfn fffffffffffffffff spte 0"},
           {"kvm_mmu_set_spte", "gfn 10000000000000 spte 0"},
           {"kvm_mmu_zap_all_fast", "used_pages"},
           {"kvm_unmap_hva_range", "mmu notifier unmap range: 0x2000 -- 0x1000"},
           {"kvm_unmap_hva_range", "mmu notifier unmap range: 0x2000 -- 0x2000"},
           {"kvm_tdp_mmu_spte_changed", "as id 0 gfn 12 level 99 old_spte 1 new_spte 2"}}) {
    EXPECT_EQ(read(name, fields, hit), Reading::malformed) << name << ": " << fields;
  }
}

TEST(TracepointHit, OtherEventsHaveNoPart) {
  TracepointHit hit;
  EXPECT_EQ(read("sched_switch", "", hit, "sched"), Reading::unused);
  EXPECT_EQ(read("kvm_mmio", "", hit, "xen"), Reading::unused);
  EXPECT_EQ(read("kvm_msr", "", hit, "kvm"), Reading::unused);
  EXPECT_EQ(read("", "", hit), Reading::unused);
}

}  // namespace
}  // namespace shadowwalk::trace
