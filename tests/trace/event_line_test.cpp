#include "harness/trace/event_line.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/trace/from_memory.hpp"

namespace shadowwalk::trace {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  TextLines source(text);
  std::vector<std::string> lines;
  while (const auto line = source.next()) {
    lines.emplace_back(*line);
    EXPECT_EQ(source.line_number(), lines.size());
  }
  EXPECT_FALSE(source.next());
  return lines;
}

TEST(LineSource, GivesLinesAndALastOneWithoutANewline) {
  EXPECT_EQ(lines_of(""), std::vector<std::string>{});
  EXPECT_EQ(lines_of("a\n\nb\n"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(lines_of("a\nb"), (std::vector<std::string>{"a", "b"}));
}

TEST(LineSource, GivesLinesThatCrossItsBuffer) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x'));
    text += expected.back() + "\n";
  }
  EXPECT_EQ(lines_of(text), expected);
}

TEST(LineSource, CutsLongLinesOffAndGoesOnBehindThem) {
  const std::string cut(LineSource::kMaxLine, 'y');
  for (const std::size_t length : {LineSource::kMaxLine, LineSource::kMaxLine + 1, std::size_t{1'000'000}}) {
    const std::string text = "a\n" + std::string(length, 'y') + "\nb\n" + std::string(length, 'y');
    EXPECT_EQ(lines_of(text), (std::vector<std::string>{"a", cut, "b", cut})) << length;
  }
}

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
        LineCase{"qemu 4250 [003] 0.000001: kvm:kvm_fpu:", 0, 4250, 1000, "kvm", "kvm_fpu", ""}));

class NoEventLine : public ::testing::TestWithParam<const char*> {};

TEST_P(NoEventLine, IsNone) { EXPECT_FALSE(parse_event_line(GetParam())); }

INSTANTIATE_TEST_SUITE_P(
    All, NoEventLine,
    ::testing::Values("", " ", "# qemu 4250 [003] 1.5: kvm:kvm_fpu: load", "\tffffffff81000000 kvm_fpu+0x12 ([kvm])",
                      "cpus=2", "qemu 4250 [003]", "qemu 4250 [003] 1.5:", "qemu 4250 [003] 1.5: kvm", "1.5: kvm:x: y",
                      "qemu xyz [003] 1.5: kvm:x: y", "qemu 4250 [003] 1.: kvm:x: y", "qemu 4250 [003] .5: kvm:x: y",
                      "qemu 4250 [003] 1.1234567890: kvm:x: y", "qemu 4250 [003] 1.5e3: kvm:x: y",
                      "qemu 4250 [003] 99999999999999999999.5: kvm:x: y", "qemu 4250 [003] 2000000000.5: kvm:x: y",
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
