// From lines to events. The first lines are what a host printed (workloads/traces/churn.perf-script.txt); hosts with
// hardware paging are told by lines as their kernels' formats print them.
#include "harness/trace/importer.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/machine/error.hpp"
#include "tests/trace/from_memory.hpp"
#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::trace {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

struct Imported {
  std::vector<TraceEvent> events;
  ImportReport report;
};

Imported import(const std::string& text, const ImportOptions& options = {}) {
  Imported result;
  TextLines lines(text);
  result.report = import_text(lines, "text", options, [&](const TraceEvent& event) { result.events.push_back(event); });
  return result;
}

/// Lines of one thread, a microsecond apart.
std::string thread_lines(std::initializer_list<const char*> events) {
  std::string text;
  int time = 0;
  for (const char* event : events) text += fmt::format("CPU 0/KVM 10/11 [000] 7.{:06}: {}\n", time++, event);
  return text;
}

TEST(Importer, ADeviceAccessUnderShadowPagingIsOneEvent) {
  const Imported imported = import(thread_lines({
      "kvmmmu:kvm_mmu_pagetable_walk: addr 7f4010000 pferr 4 U",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 10002 pferr 14 U|F",  // the emulator fetches the instruction
      "kvm:kvm_emulate_insn: 0:10002:41 8b 07 (prot64)",
      "kvm:vcpu_match_mmio: gva 0x7f4010000 gpa 0x4010000 Read GVA",
      "kvm:kvm_mmio: mmio unsatisfied-read len 4 gpa 0x4010000 val 0x0",
      "kvm:kvm_userspace_exit: reason KVM_EXIT_MMIO (6)",
      "kvm:kvm_mmio: mmio read len 4 gpa 0x4010000 val 0x0",
  }));
  EXPECT_THAT(imported.events, ElementsAre(TraceEvent{0, 0, TraceKind::mmio_fault, 0x4010, 1},
                                           TraceEvent{1000, 0, TraceKind::guest_walk, 0x10, 1}));
  EXPECT_THAT(imported.report.unused, ElementsAre(Pair("kvm:kvm_emulate_insn", 1)));
}

TEST(Importer, ADeviceAccessThatNoCacheKnowsIsOneEventToo) {
  const Imported imported = import(thread_lines({
      "kvmmmu:kvm_mmu_pagetable_walk: addr 7f4010000 pferr 4 U",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 10002 pferr 14 U|F",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 7f4010000 pferr 4 U",  // the emulator wants the address
      "kvm:kvm_mmio: mmio write len 4 gpa 0x4010000 val 0x0",
  }));
  ASSERT_EQ(imported.events.size(), 3u);
  EXPECT_EQ(imported.events[0], (TraceEvent{0, 0, TraceKind::mmio_fault, 0x4010, 1}));
}

TEST(Importer, AFaultOnADevicePageThatTheCacheAnswersIsOneEvent) {
  const Imported imported = import(thread_lines({
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x00007f0000001000 error_code 0xf",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 400000 pferr 14 U|F",
      "kvm:vcpu_match_mmio: gva 0x7f0000001000 gpa 0x4010000 Write GVA",
      "kvm:kvm_mmio: mmio write len 4 gpa 0x4010000 val 0x0",
  }));
  ASSERT_EQ(imported.events.size(), 2u);
  EXPECT_EQ(imported.events[0], (TraceEvent{0, 0, TraceKind::mmio_cached, 0x4010, 1}));
}

TEST(Importer, AFaultUnderShadowPagingGetsItsGfnFromTheSpte) {
  const Imported imported = import(thread_lines({
      "kvmmmu:kvm_mmu_pagetable_walk: addr 2d000 pferr 7 P|W|U",
      "kvmmmu:kvm_mmu_spte_requested: gfn 12d pfn 439ed9 level 1",
      "kvmmmu:kvm_mmu_unsync_page: [FAILED TO PARSE] mmu_valid_gen=0 gfn=301 role=14081 root_count=0 unsync=0",
      "kvmmmu:kvm_mmu_set_spte: gfn 12d spte 439ed9e67 (rwxu) level 1 at 11ff1d168",
      "kvmmmu:kvm_mmu_set_spte: gfn 12e spte 439ed9e67 (rwxu) level 1 at 11ff1d170",  // prefetched
      "kvmmmu:kvm_mmu_pagetable_walk: addr 2e000 pferr 4 U",
      "kvmmmu:kvm_mmu_spte_requested: gfn 200 pfn 439ed9 level 1",
  }));
  EXPECT_THAT(imported.events, ElementsAre(TraceEvent{0, 0, TraceKind::write_fault, 0x12d, 1},
                                           TraceEvent{2000, 0, TraceKind::pagetable_write, 301, 1},
                                           TraceEvent{5000, 0, TraceKind::read_fault, 0x200, 1}));
}

TEST(Importer, AShadowFaultThatKvmPageFaultTellsIsOneEventToo) {
  const Imported imported = import(thread_lines({
      "kvm:kvm_exit: vcpu 0 reason EXCEPTION_NMI rip 0x400000",
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x00007f0000001000 error_code 0x6",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 7f0000001000 pferr 6 W|U",
      "kvmmmu:kvm_mmu_spte_requested: gfn 321 pfn 439ed9 level 1",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x00007f0000002000 error_code 0x6",
      "kvmmmu:kvm_mmu_pagetable_walk: addr 7f0000002000 pferr 6 W|U",
      "kvmmmu:kvm_mmu_walker_error: pferr 6 W|U",  // the guest's own
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
  }));
  EXPECT_THAT(imported.events, ElementsAre(TraceEvent{0, 0, TraceKind::write_fault, 0x321, 1},
                                           TraceEvent{4000, 0, TraceKind::guest_walk, 0x7f0000002, 1}));
}

TEST(Importer, HardwarePagingsFaultsAndDeviceAccesses) {
  const Imported imported = import(thread_lines({
      "kvm:kvm_exit: vcpu 0 reason npf rip 0x400000",
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x0000000012345678 error_code 0x100000006",
      "kvmmmu:kvm_mmu_spte_requested: gfn 12345 pfn 439ed9 level 1",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      // an MMIO SPTE for the first time
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x00000000fee00300 error_code 0x100000006",
      "kvmmmu:kvm_mmu_spte_requested: gfn fee00 pfn 7ff0000000000000 level 1",
      "kvmmmu:mark_mmio_spte: sptep:00000000abcd gfn fee00 access 6 gen 1a",
      "kvm:kvm_emulate_insn: 0:10002:41 8b 07 (prot64)",
      "kvm:vcpu_match_mmio: gva 0xffffffffff5fd300 gpa 0xfee00300 Write GPA",
      "kvm:kvm_mmio: mmio write len 4 gpa 0xfee00300 val 0x4",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      // and again: the lockless walk finds it
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x00000000fee00300 error_code 0x10000000e",
      "kvmmmu:handle_mmio_page_fault: addr:fee00300 gfn fee00 access 6",
      "kvm:vcpu_match_mmio: gva 0xffffffffff5fd300 gpa 0xfee00300 Write GPA",
      "kvm:kvm_mmio: mmio write len 4 gpa 0xfee00300 val 0x4",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      // Intel's EPT misconfiguration: no kvm_page_fault; then an ioeventfd
      "kvmmmu:handle_mmio_page_fault: addr:fee00300 gfn fee00 access 6",
      "kvm:kvm_mmio: mmio write len 4 gpa 0xfee00300 val 0x4",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      "kvm:kvm_fast_mmio: fast mmio at gpa 0xfe003000",
      // dirty logging: the fast path fixes, or finds nothing to fix
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x0000000000005000 error_code 0x7",
      "kvmmmu:fast_page_fault: vcpu 0 gva 5000 error_code P|W|U sptep 01 old 0x5 new 7 spurious 0 fixed 1",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x0000000000006000 error_code 0x7",
      "kvmmmu:fast_page_fault: vcpu 0 gva 6000 error_code P|W|U sptep 01 old 0x7 new 7 spurious 1 fixed 0",
      "kvm:kvm_entry: vcpu 0, rip 0x400000",
      // the fast path gives up, the slow one maps
      "kvm:kvm_page_fault: vcpu 0 rip 0x400000 address 0x0000000000007000 error_code 0x7",
      "kvmmmu:fast_page_fault: vcpu 0 gva 7000 error_code P|W|U sptep 01 old 0x5 new 5 spurious 0 fixed 0",
      "kvmmmu:kvm_mmu_spte_requested: gfn 7 pfn 439ed9 level 1",
  }));
  std::vector<std::pair<TraceKind, std::uint64_t>> found;
  for (const TraceEvent& event : imported.events) found.emplace_back(event.kind, event.gfn);
  EXPECT_THAT(found, ElementsAre(Pair(TraceKind::write_fault, 0x12345), Pair(TraceKind::mmio_fault, 0xfee00),
                                 Pair(TraceKind::mmio_fault, 0xfee00), Pair(TraceKind::mmio_fault, 0xfee00),
                                 Pair(TraceKind::mmio_cached, 0xfe003), Pair(TraceKind::fast_fault, 5),
                                 Pair(TraceKind::spurious_fault, 6), Pair(TraceKind::write_fault, 7)));
}

TEST(Importer, AccessesThatTheCacheAnswersAreEachAnEvent) {
  const Imported imported = import(thread_lines({
      "kvm:vcpu_match_mmio: gva 0x1000 gpa 0x9000 Write GPA", "kvm:kvm_mmio: mmio write len 4 gpa 0x9000 val 0x4",
      "kvm:vcpu_match_mmio: gva 0x1000 gpa 0x9000 Write GPA", "kvm:kvm_mmio: mmio write len 4 gpa 0x9000 val 0x4",
      "kvm:kvm_mmio: mmio write len 4 gpa 0x9000 val 0x4",  // of which nothing tells how it came about
  }));
  std::vector<TraceKind> kinds;
  for (const TraceEvent& event : imported.events) kinds.push_back(event.kind);
  EXPECT_THAT(kinds, ElementsAre(TraceKind::mmio_cached, TraceKind::mmio_cached, TraceKind::mmio_emulated));
}

TEST(Importer, FaultsWithoutAnyTracepointOfTheirBeginning) {
  const Imported imported = import(thread_lines({
      "kvmmmu:kvm_mmu_spte_requested: gfn 1 pfn 1 level 1",
      "kvmmmu:kvm_mmu_set_spte: gfn 1 spte 1 (r) level 1 at 1",
      "kvmmmu:kvm_mmu_spte_requested: gfn 2 pfn 1 level 1",
      "kvm:kvm_userspace_exit: reason KVM_EXIT_IO (2)",
      "kvmmmu:kvm_mmu_set_spte: gfn 3 spte 1 (r) level 1 at 1",
  }));
  std::vector<std::pair<TraceKind, std::uint64_t>> found;
  for (const TraceEvent& event : imported.events) found.emplace_back(event.kind, event.gfn);
  EXPECT_THAT(found, ElementsAre(Pair(TraceKind::fault, 1), Pair(TraceKind::fault, 2), Pair(TraceKind::fault, 3)));
}

TEST(Importer, ThreadsThatRunVcpusAreNumberedAndTheOthersAreTheHost) {
  const Imported imported = import(
      "vmm 10/10 [000] 1.0: kvmmmu:kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 1 used_pages d\n"
      "b 10/30 [000] 1.1: kvm:kvm_userspace_exit: reason KVM_EXIT_IO (2)\n"
      "a 10/20 [001] 1.2: kvm:kvm_page_fault: address 1000 error_code 4\n"
      "b 10/30 [000] 1.3: kvmmmu:kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 1 used_pages d\n"
      "a 10/20 [001] 1.4: kvmmmu:kvm_mmu_sync_page: sp gen 0 gfn 20 l1 8-byte q0 wux nxe ad root 0 unsync\n");
  EXPECT_THAT(imported.events, ElementsAre(TraceEvent{0, kHostThread, TraceKind::zap_all, 0, 0xd},
                                           TraceEvent{200'000'000, 1, TraceKind::read_fault, 1, 1},
                                           TraceEvent{300'000'000, 0, TraceKind::zap_all, 0, 0xd},
                                           TraceEvent{400'000'000, 1, TraceKind::pagetable_sync, 0x20, 1}));
  EXPECT_THAT(imported.report.vm_processes, ElementsAre(Pair(10, 2)));
}

TEST(Importer, OneProcessCanBePicked) {
  const std::string text =
      "a 10/11 [000] 1.0: kvm:kvm_page_fault: address 1000 error_code 4\n"
      "b 20/21 [000] 1.1: kvm:kvm_page_fault: address 2000 error_code 4\n";
  EXPECT_EQ(import(text).report.vm_processes.size(), 2u);
  const Imported one = import(text, {.process = 20});
  EXPECT_THAT(one.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 2, 1}));
  EXPECT_EQ(one.report.other_processes, 1u);
  EXPECT_THROW(import("a 11 [000] 1.0: kvm:kvm_page_fault: address 1000 error_code 4\n", {.process = 20}), InputError);
}

TEST(Importer, ALineThatNamesNoProcessIsLeftOutIfOthersDo) {
  const Imported dead = import(
      "a 10/11 [000] 1.0: kvm:kvm_page_fault: address 1000 error_code 4\n"
      ":-1 -1/-1 [000] 1.1: kvmmmu:kvm_mmu_zap_all_fast: used_pages d\n",
      {.process = 10});
  EXPECT_THAT(dead.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 1, 1}));
  EXPECT_EQ(dead.report.no_process, 1u);
  const Imported record_tgid = import(
      "CPU 0/KVM-11  (-------) [000] ..... 1.0: kvm_page_fault: address 1000 error_code 4\n"
      "CPU 1/KVM-12  (     10) [000] ..... 1.1: kvm_page_fault: address 2000 error_code 4\n"
      "CPU 1/KVM-22  (     20) [000] ..... 1.2: kvm_page_fault: address 3000 error_code 4\n",
      {.process = 10});
  EXPECT_THAT(record_tgid.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 2, 1}));
  EXPECT_EQ(record_tgid.report.no_process, 1u);
  EXPECT_EQ(record_tgid.report.other_processes, 1u);
  const Imported later = import(
      "a 11 [000] 1.0: kvm:kvm_page_fault: address 1000 error_code 4\n"
      "a 10/11 [000] 1.1: kvm:kvm_page_fault: address 2000 error_code 4\n",
      {.process = 10});
  EXPECT_EQ(later.events.size(), 1u);
  std::string never;
  for (int i = 0; i < 20'000; ++i) never += "a 11 [000] 1.0: kvm:kvm_page_fault: address 1000 error_code 4\n";
  EXPECT_THROW(import(never, {.process = 10}), InputError);
}

TEST(Importer, SeveralVmsAreSeenWithoutAProcess) {
  const auto shared = [](const char* format, int first, int second) {
    std::string text;
    for (const int thread : {first, second, first}) {
      text += fmt::format(fmt::runtime(format), thread) + "\n";
    }
    return import(text).report.shared_vcpu;
  };
  const auto told = shared("CPU/KVM {} [000] 1.0: kvm:kvm_entry: vcpu 3, rip 0x1", 11, 21);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->vcpu, 3u);
  EXPECT_EQ(told->first_thread, 11u);
  EXPECT_EQ(told->second_thread, 21u);
  EXPECT_TRUE(shared("qemu {} [000] 1.0: kvm:kvm_exit: exit_reason=1 vcpu_id=3", 11, 21)) << "raw";
  EXPECT_FALSE(shared("CPU/KVM {} [000] 1.0: kvm:kvm_entry: vcpu 3, rip 0x1", 11, 11));
  // old kernels do not print the number, but VMMs put it into the thread's name
  for (const char* name : {"CPU 0/KVM", "CPU 0/K", "fc_vcpu 0", "vcpu0", "VCPU-0", "crosvm_vcpu0"}) {
    EXPECT_TRUE(
        shared(fmt::format("{}-{{}} [000] 1.0: kvm_page_fault: address 1000 error_code 4", name).c_str(), 11, 21))
        << name;
  }
  for (const char* name : {"qemu-kvm", "<...>", "cpuset"}) {
    EXPECT_FALSE(
        shared(fmt::format("{}-{{}} [000] 1.0: kvm_page_fault: address 1000 error_code 4", name).c_str(), 11, 21))
        << name;
  }
}

TEST(Importer, SeveralVcpusOnOneThreadAreTold) {
  const Imported imported = import(
      "CPU 0/KVM 10 [000] 1.0: kvm:kvm_entry: vcpu 0, rip 0x1\nCPU 1/KVM 10 [000] 1.1: kvm:kvm_entry: vcpu 1, rip "
      "0x1\n");
  EXPECT_EQ(imported.report.merged_vcpus, 10u);
  EXPECT_FALSE(imported.report.shared_vcpu);
}

TEST(Importer, TicksKeepTheirOrder) {
  const Imported imported = import(
      "a-11 [000] ..... 918273645546372: kvm_page_fault: address 1000 error_code 4\n"
      "a-11 [000] ..... 918273645546379: kvm_page_fault: address 2000 error_code 4\n");
  EXPECT_THAT(imported.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 1, 1},
                                           TraceEvent{7, 0, TraceKind::read_fault, 2, 1}));
  EXPECT_TRUE(imported.report.in_ticks);
  EXPECT_THROW(import("a-11 [000] ..... 1.5: kvm_page_fault: address 1000 error_code 4\n"
                      "a-11 [000] ..... 7: kvm_page_fault: address 2000 error_code 4\n"),
               InputError);
}

TEST(Importer, WrappedLinesAreReadOrCounted) {
  const Imported words = import(
      "VCPU-0-7001 [005] ..... 4.1: kvm_page_fault: address\n3c7000 error_code 4\n"
      "VCPU-0-7001 [005] ..... 4.2: kvm_mmu_prepare_zap_page: sp gen 0 gfn 600 l1 8-byte q0\n"
      "direct wux nxe ad root 0 sync\n");
  EXPECT_THAT(words.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 0x3c7, 1},
                                        TraceEvent{100'000'000, 0, TraceKind::zap_page, 0x600, 512}));
  const Imported uniform = import(
      "VCPU-0-7001 [005] ..... 4.1: kvm_page_fault: vcpu 0\nrip 0x1 address 1000 error_code 4\n"
      "VCPU-0-7001 [005] ..... 4.2: kvm_page_fault: vcpu 0\nrip 0x1 address 2000 error_code 4\n");
  EXPECT_EQ(uniform.events.size(), 2u);
  EXPECT_EQ(words.report.joined_lines, 2u);
  const Imported column = import(
      "VCPU-0-7001 [005] ..... 4.1: kvm_page_fault: address 3c7000 err\nor_code 4\n"
      "VCPU-0-7001 [005] ..... 4.2: kvm_page_fault: address 1234567890\n1 error_code 4\n");  // with or without the 1?
  EXPECT_THAT(column.events, ElementsAre(TraceEvent{0, 0, TraceKind::read_fault, 0x3c7, 1}));
  const Imported in_its_time = import(
      "VCPU-0-7001 [005] ..... 4.1: kvm_page_fault: address 1000 error_code 4\n"
      "VCPU-0-7001 [005] ..... 4.\n2: kvm_page_fault: address 1000 error_code 4\n");
  EXPECT_EQ(in_its_time.events.size() + in_its_time.report.malformed + in_its_time.report.cut_lines, 2u);
  EXPECT_EQ(column.report.malformed, 1u);
  EXPECT_EQ(column.report.first_malformed_line, 3u);
}

TEST(Importer, TheFormatOfATextWithoutEventsIsNamed) {
  try {
    import("     0.003 CPU 0/KVM/4250 kvm:kvm_entry(guest_rip: 0x400000)\n");
    ADD_FAILURE() << "was taken";
  } catch (const EmptyRecording& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 1 is of `perf trace`"));
  }
}

TEST(Importer, EventsOutOfOrderAreSortedAndThoseTooLateAreCounted) {
  std::string text;
  for (const int time : {50, 20, 40, 10, 60, 70, 80, 5}) {
    text += fmt::format("a 10/11 [000] 1.{:06}: kvmmmu:kvm_mmu_zap_all_fast: used_pages {:x}\n", time, time);
  }
  const Imported sorted = import(text);
  EXPECT_EQ(sorted.report.late, 0u);
  ASSERT_EQ(sorted.events.size(), 8u);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_GE(sorted.events[i].time_ns, sorted.events[i - 1].time_ns);
  EXPECT_EQ(sorted.events[0].pages, 5u);

  const Imported narrow = import(text, {.reorder_window = 4});
  EXPECT_EQ(narrow.report.late, 1u);
  EXPECT_EQ(narrow.report.latest_by_ns, 35'000u);
  EXPECT_EQ(narrow.events.size(), 7u);
  EXPECT_EQ(narrow.events[0].pages, 10u);
}

TEST(Importer, WhatIsNotInTheTraceIsCounted) {
  const Imported imported = import(
      "# a comment\n\n"
      "a 10/11 [000] 1.0: sched:sched_switch: x\n"
      "a 10/11 [000] 1.1: sched:sched_switch: y\n"
      "a 10/11 [000] 1.2: kvm:kvm_msr: z\n"
      "a 10/11 [000] 1.3: kvm:kvm_page_fault: address\n"
      "a 10/11 [000] 1.4: kvm:kvm_page_fault: address 1000 error_code 4\n"
      "a 10/11 [000] 1.5: kvmmmu:kvm_mmu_prepare_zap_page: 1 q0 direct wux pae nxe wp root 0 sync\n"
      "a 10/11 [000] 1.6: PERF_RECORD_LOST lost 12\n"
      "CPU:2 [LOST 30 EVENTS]\n"
      "CPU:2 [100 EVENTS DROPPED]\n"
      "CPU:2 [LOST EVENTS]\n");
  EXPECT_EQ(imported.report.uncounted_losses, 1u);
  EXPECT_EQ(imported.report.first_uncounted_loss, 12u);
  EXPECT_EQ(imported.report.lines, 12u);
  EXPECT_EQ(imported.report.event_lines, 6u);
  EXPECT_EQ(imported.report.events, 2u);
  EXPECT_THAT(imported.report.unused, ElementsAre(Pair("kvm:kvm_msr", 1), Pair("sched:sched_switch", 2)));
  EXPECT_EQ(imported.report.malformed, 1u);
  EXPECT_EQ(imported.report.first_malformed_line, 6u);
  EXPECT_EQ(imported.report.first_malformed, "kvm_page_fault");
  EXPECT_EQ(imported.report.lost, 142u);
  EXPECT_EQ(imported.report.unknown_gfns, 1u);
}

TEST(Importer, ABillionNamesDoNotTakeAllMemory) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += fmt::format("a 10/11 [000] 1.0: x:n{}: y\n", i);
  const Imported imported = import(text);
  EXPECT_EQ(imported.report.unused.size(), 1000u);
  EXPECT_EQ(imported.report.unused_more, 2000u);
}

TEST(Importer, TextWithoutEventsIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("# only\n# comments\n"), std::string(5000, '\0'), std::string(5000, '\xff')}) {
    try {
      import(text);
      ADD_FAILURE() << "was taken";
    } catch (const EmptyRecording& error) {
      EXPECT_THAT(error.what(), HasSubstr("is an event as `perf script`"));
    }
  }
}

TEST(Importer, MoreVcpusThanATraceHoldsAreRefused) {
  std::string text;
  for (std::uint32_t i = 1; i <= kMaxTraceVcpus + 1; ++i) text += fmt::format("a 1/{} [0] 1.0: kvm:kvm_entry: x\n", i);
  EXPECT_THROW(import(text), InputError);
}

TEST(Importer, WhatThisProjectsHostPrinted) {
  const std::string text = slurp(std::filesystem::path(TRACES_DIR) / "churn.perf-script.txt");
  const Imported imported = import(text);
  EXPECT_EQ(imported.report.malformed, 0u);
  EXPECT_EQ(imported.report.late, 0u);
  EXPECT_EQ(imported.report.unknown_gfns, 0u);
  TraceInfo info;
  for (const TraceEvent& event : imported.events) info.count(event);
  EXPECT_EQ(info.vcpus, 2u);
  for (const TraceKind kind :
       {TraceKind::write_fault, TraceKind::mmio_fault, TraceKind::pagetable_write, TraceKind::pagetable_sync,
        TraceKind::zap_table, TraceKind::zap_all, TraceKind::unmap_hva}) {
    EXPECT_GT(info.of(kind), 0u) << kind_name(kind);
  }
  EXPECT_EQ(info.of(TraceKind::fault), 0u) << "each fault's beginning is in the text";
}

}  // namespace
}  // namespace shadowwalk::trace
