#include "harness/trace/event_line.hpp"

#include <gmock/gmock.h>

#include <string>

namespace shadowwalk::trace {
namespace {

struct LineCase {
  const char* line;
  std::uint32_t process, thread;
  std::uint64_t time_ns;
  const char* system;
  const char* name;
  const char* fields;
};

class EventLineForms : public ::testing::TestWithParam<LineCase> {};

TEST_P(EventLineForms, IsRead) {
  const LineCase& expected = GetParam();
  const auto event = parse_event_line(expected.line);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->process, expected.process);
  EXPECT_EQ(event->thread, expected.thread);
  EXPECT_EQ(event->time_ns, expected.time_ns);
  EXPECT_EQ(event->system, expected.system);
  EXPECT_EQ(event->name, expected.name);
  EXPECT_EQ(event->fields, expected.fields);
}

INSTANTIATE_TEST_SUITE_P(
    All, EventLineForms,
    ::testing::Values(
        // perf script, as it prints by default: microseconds, the thread alone
        LineCase{" qemu  4250 [003]   123.456789: kvm:kvm_fpu: load", 0, 4250, 123456789000, "kvm", "kvm_fpu", "load"},
        // with pid,tid and --ns
        LineCase{"record_churn 25812/25828 [000] 26111.918251777:                        kvm:kvm_fpu: load", 25812,
                 25828, 26111918251777, "kvm", "kvm_fpu", "load"},
        // the command's name with blanks, digits, a slash, brackets, a colon, what looks like a time
        LineCase{"CPU 0/KVM  4242/4250 [003] 1.5: kvm:kvm_fpu: load", 4242, 4250, 1500000000, "kvm", "kvm_fpu", "load"},
        LineCase{"[001] 9: 7 [x]:  4242/4250 [003] 1.5: kvm:kvm_fpu: load", 4242, 4250, 1500000000, "kvm", "kvm_fpu",
                 "load"},
        LineCase{"a 1.5: b  42/43 [003] 2.5: kvm:kvm_fpu: load", 42, 43, 2500000000, "kvm", "kvm_fpu", "load"},
        // recorded of one thread: no CPU
        LineCase{"qemu 4250 123.456789:  kvm:kvm_fpu: load", 0, 4250, 123456789000, "kvm", "kvm_fpu", "load"},
        // a period
        LineCase{"qemu 4250 [003] 123.456789:          1 kvm:kvm_fpu: load", 0, 4250, 123456789000, "kvm", "kvm_fpu",
                 "load"},
        // trace-cmd report: no system; ftrace's trace file: flags
        LineCase{"           <...>-4250  [003]   123.456789123: kvm_fpu:              load", 0, 4250, 123456789123, "",
                 "kvm_fpu", "load"},
        LineCase{" CPU 0/KVM-4250    [003] d..1.   123.456789: kvm_fpu: load", 0, 4250, 123456789000, "", "kvm_fpu",
                 "load"},
        LineCase{"qemu 4250 [003] 0.000001: sched:sched_switch: a:1 [2] ==> b:3 4.5: kvm:x:", 0, 4250, 1000, "sched",
                 "sched_switch", "a:1 [2] ==> b:3 4.5: kvm:x:"},
        LineCase{"qemu 4250 [003] 0.000001: kvm:kvm_fpu:", 0, 4250, 1000, "kvm", "kvm_fpu", ""},
        // ftrace's option record-tgid: the process, in the widths of several kernels
        LineCase{"       CPU 0/KVM-4250    (   4242) [003] d....   123.456789: kvm_fpu: load", 4242, 4250, 123456789000,
                 "", "kvm_fpu", "load"},
        LineCase{"  (sd-pam)-4250  ( 4242) [0003] d..1   123.456789: kvm_fpu: load", 4242, 4250, 123456789000, "",
                 "kvm_fpu", "load"},
        LineCase{" a-b: (7)-4250  (4242) [1023] .N.2.1   123.456789: kvm_fpu: load\t \r", 4242, 4250, 123456789000, "",
                 "kvm_fpu", "load\t \r"},
        LineCase{" 3/4-4250    (-------) [003] .....   123.456789: kvm_fpu: load", 0, 4250, 123456789000, "", "kvm_fpu",
                 "load"},
        // a task that was dead, and a CPU that perf does not know
        LineCase{"      :-1    -1/-1    [001]   1.5: kvm:kvm_fpu: load", 0, EventLine::kDeadThread, 1500000000, "kvm",
                 "kvm_fpu", "load"},
        LineCase{"qemu  4242/-1    [-01]   1.5: kvm:kvm_fpu: load", 4242, EventLine::kDeadThread, 1500000000, "kvm",
                 "kvm_fpu", "load"},
        LineCase{"      :-1    -1 [001]   1.5: kvm:kvm_fpu: load", 0, EventLine::kDeadThread, 1500000000, "kvm",
                 "kvm_fpu", "load"},
        // the time of day as the clock, and as a column of its own
        LineCase{"qemu 4250 [003] 1767312345.123456789: kvm:kvm_fpu: load", 0, 4250, 1767312345123456789, "kvm",
                 "kvm_fpu", "load"},
        LineCase{"qemu 4242/4250 [003] 2026-01-02 10:11:12.123456     1.5: kvm:kvm_fpu: load", 4242, 4250, 1500000000,
                 "kvm", "kvm_fpu", "load"},
        // latency formats of trace-cmd, raw too, of perf, and of ftrace and its dumps in the kernel's log
        LineCase{" CPU 0/K-4250    3d....  123.456789: kvm_fpu:     load", 0, 4250, 123456789000, "", "kvm_fpu",
                 "load"},
        LineCase{" CPU 0/K-4250    3-0x1  123.456789: kvm_fpu:     load", 0, 4250, 123456789000, "", "kvm_fpu", "load"},
        LineCase{" CPU 0/K  4242/4250    3 1.5: kvm:kvm_fpu: load", 4242, 4250, 1500000000, "kvm", "kvm_fpu", "load"},
        LineCase{" CPU 0/K  4250    3 1.5: kvm:kvm_fpu: load", 0, 4250, 1500000000, "kvm", "kvm_fpu", "load"},
        LineCase{" CPU 7  4250 1.5: kvm:kvm_fpu: load", 0, 4250, 1500000000, "kvm", "kvm_fpu", "load"},
        LineCase{"[  100.000003]   CPU 0/K-4250      3d..1. 12us : kvm_fpu: load", 0, 4250, 12000, "", "kvm_fpu",
                 "load"},
        LineCase{" CPU 0/K-4250   123dNh21 12345us+: kvm_fpu: load", 0, 4250, 12345000, "", "kvm_fpu", "load"},
        // trace-cmd report --ts-diff
        LineCase{" CPU 0/KVM-4250  [003]  1.5: (+12)    kvm_fpu:    load", 0, 4250, 1500000000, "", "kvm_fpu",
                 "load"}));

TEST(EventLine, TheCommandIsWhatPrecedesTheThread) {
  EXPECT_EQ(parse_event_line(" CPU 0/KVM  4242/4250 [003] 1.5: kvm:x: y")->command, "CPU 0/KVM");
  EXPECT_EQ(parse_event_line(" CPU 0/KVM-4250  (   4242) [003] 1.5: x: y")->command, "CPU 0/KVM");
  EXPECT_EQ(parse_event_line(" we-ird 7-4250 [003] 1.5: x: y")->command, "we-ird 7");
  EXPECT_EQ(parse_event_line("4242/4250 [003] 1.5: kvm:x: y")->command, "");
}

TEST(EventLine, WhetherThereIsAColumnForTheProcess) {
  EXPECT_TRUE(parse_event_line("qemu 4242/4250 [003] 1.5: kvm:x: y")->has_process);
  EXPECT_TRUE(parse_event_line("qemu-4250 (-------) [003] 1.5: x: y")->has_process);
  EXPECT_TRUE(parse_event_line(":-1 -1/-1 [003] 1.5: kvm:x: y")->has_process);
  EXPECT_FALSE(parse_event_line("qemu-4250 [003] 1.5: x: y")->has_process);
  EXPECT_FALSE(parse_event_line("qemu 4250 [003] 1.5: x: y")->has_process);
}

TEST(EventLine, TicksOfAClockThatCountsNoSeconds) {
  for (const char* line : {" CPU 0/KVM-4250    [003] d.... 918273645546372: kvm_fpu: load",
                           "  CPU 0/K-4250      3d....  918273645546372: kvm_fpu: load"}) {
    const auto event = parse_event_line(line);
    ASSERT_TRUE(event) << line;
    EXPECT_TRUE(event->in_ticks);
    EXPECT_EQ(event->time_ns, 918273645546372u);
    EXPECT_EQ(event->thread, 4250u);
  }
  EXPECT_FALSE(parse_event_line("qemu 4250 [003] 1.5: x: y")->in_ticks);
}

TEST(EventLine, WhereALineBeginsARecordThatIsNoEvent) {
  EXPECT_EQ(find_record_start("CPU 0/KVM  4242/4250 [003] 1.5:   "), RecordStart::at_its_end);
  EXPECT_EQ(find_record_start("CPU 0/KVM  4242/4250 [003] 1.5: PERF_RECORD_MMAP2 1/1: x"), RecordStart::in_line);
  EXPECT_EQ(find_record_start("3210000 error_code 182"), RecordStart::none);
  EXPECT_EQ(find_record_start("1.5:"), RecordStart::none) << "no thread";
  EXPECT_EQ(find_record_start(""), RecordStart::none);
}

class NoEventLine : public ::testing::TestWithParam<const char*> {};

TEST_P(NoEventLine, IsNone) { EXPECT_FALSE(parse_event_line(GetParam())); }

INSTANTIATE_TEST_SUITE_P(
    All, NoEventLine,
    ::testing::Values("", " ", "# qemu 4250 [003] 1.5: kvm:kvm_fpu: load", "\tffffffff81000000 kvm_fpu+0x12 ([kvm])",
                      "cpus=2", "qemu 4250 [003]", "qemu 4250 [003] 1.5:", "qemu 4250 [003] 1.5: kvm", "1.5: kvm:x: y",
                      "qemu xyz [003] 1.5: kvm:x: y", "qemu 4250 [003] 1.: kvm:x: y", "qemu 4250 [003] .5: kvm:x: y",
                      "qemu 4250 [003] 1.1234567890: kvm:x: y", "qemu 4250 [003] 1.5e3: kvm:x: y",
                      "qemu 4250 [003] 99999999999999999999.5: kvm:x: y", "qemu 4250 [003] 18446744073.5: kvm:x: y",
                      "qemu 4250 [003] +1.5: kvm:x: y", "qemu 4250 12: kvm:x: y", "qemu 4250 [003] 12us: kvm_x: y",
                      "qemu-4250 3d.... 99999999999999999999us : kvm_x: y", "qemu-4250 (12a) [003] 1.5: kvm_x: y",
                      "qemu 99999999999 [003] 1.5: kvm:x: y", "qemu 4250 [003] 1.5: : y",
                      "qemu 4250 [003] 1.5: kvm:: y", "qemu -1.5: kvm:x: y", "[003] 1.5: kvm:x: y"));

TEST(EventLine, AnyPrefixOfALineIsReadWithoutACrash) {
  const std::string line = "CPU 0/KVM  4242/4250 [003] d..1. 1.5: 1 kvm:kvm_mmio: mmio read len 4 gpa 0x1 val 0x2";
  for (std::size_t size = 0; size <= line.size(); ++size) parse_event_line(std::string_view(line).substr(0, size));
}

TEST(EventFields, ReadsBothFormsOfANumber) {
  const EventFields printed("mmio write len 4 gpa 0xfe001000 val 0x0");
  EXPECT_EQ(printed.hex("gpa ", "gpa"), 0xfe001000u);
  EXPECT_EQ(printed.number("len ", "len", 10), 4u);
  EXPECT_EQ(printed.hex("nothing ", "nothing"), std::nullopt);
  const EventFields raw("[FAILED TO PARSE] mmu_valid_gen=0 gfn=32 role=0x3704 root_count=1");
  EXPECT_EQ(raw.hex("gfn ", "gfn"), 32u) << "libtraceevent prints decimal numbers";
  EXPECT_EQ(raw.hex("role ", "role"), 0x3704u) << "or hexadecimal ones, with 0x";
}

TEST(EventFields, FindsWholeNamesOnly) {
  const EventFields fields("old_gfn=1 xgfn 2 gfn=3");
  EXPECT_EQ(fields.hex("gfn ", "gfn"), 3u);
  EXPECT_FALSE(EventFields("redirect").has_word("direct"));
  EXPECT_TRUE(EventFields("q0 direct wux").has_word("direct"));
}

TEST(EventFields, RefusesWhatIsNoNumber) {
  EXPECT_EQ(EventFields("gfn xyz").hex("gfn ", "gfn"), std::nullopt);
  EXPECT_EQ(EventFields("gfn 12z").hex("gfn ", "gfn"), std::nullopt);
  EXPECT_EQ(EventFields("gfn 11112222333344445").hex("gfn ", "gfn"), std::nullopt) << "more than 64 bits";
  EXPECT_EQ(EventFields("gfn=").hex("gfn ", "gfn"), std::nullopt);
  EXPECT_EQ(EventFields("gfn=-1").hex("gfn ", "gfn"), std::nullopt);
  EXPECT_EQ(EventFields("gfn ").hex("gfn ", "gfn"), std::nullopt);
}

}  // namespace

}  // namespace shadowwalk::trace
