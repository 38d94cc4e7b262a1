#include "harness/trace/event_reader.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/trace/from_memory.hpp"

namespace shadowwalk::trace {
namespace {

using ::testing::ElementsAre;

struct Read {
  std::vector<std::string> events;  // "LINE NAME|FIELDS", and "|FIELDS" if a break may be inside a word
  std::uint64_t joined = 0;
  std::uint64_t cut = 0;
};

Read read_events(std::string_view text) {
  TextLines lines(text);
  EventReader reader(lines);
  Read read;
  while (const auto event = reader.next()) {
    read.events.push_back(fmt::format("{} {}|{}", event->line_number, event->line.name, trimmed(event->line.fields)));
    if (event->broken_in_words) read.events.back() += fmt::format("|{}", trimmed(event->broken_in_words->fields));
  }
  EXPECT_FALSE(reader.next());
  read.joined = reader.joined_lines();
  read.cut = reader.cut_lines();
  return read;
}

TEST(EventReader, GivesEventsWithTheirLineNumbers) {
  const Read read = read_events("# x\ncpus=2\na 1/2 [0] 1.5: kvm:a: b\n\n a-1 [0] 1.5: c: d\r\n");
  EXPECT_THAT(read.events, ElementsAre("3 a|b", "5 c|d"));
}

TEST(EventReader, JoinsTheLinesOfAWrappedEvent) {
  const Read read = read_events(
      "> a 1/2 [0] 1.5: kvm:a: address\n> 1000 error_code\n4\n"
      " > > a 1/2 [0] 1.6: kvm:bcde: long fields\n>> and more\n"
      "a 1/2 [0] 1.7:       \nkvm:c: after its head\n"
      "a 1/2 [0] 1.8: kvm:d: whole\n");
  EXPECT_THAT(read.events, ElementsAre("1 a|address 1000 error_code 4", "4 bcde|long fields and more",
                                       "6 c|after its head", "8 d|whole"));
  EXPECT_EQ(read.joined, 4u);
  EXPECT_EQ(read.cut, 0u);
}

TEST(EventReader, ABreakAtAFixedColumnMayBeInsideAWord) {
  const Read read = read_events("a 1/2 [0] 1.5: kvm:a: gfn 12\n34 level 1\na 1/2 [0] 1.6: kvm:a: gfn 56\n78 level 1\n");
  EXPECT_THAT(read.events,
              ElementsAre("1 a|gfn 12 34 level 1|gfn 1234 level 1", "3 a|gfn 56 78 level 1|gfn 5678 level 1"));
  EXPECT_THAT(read_events("a 1/2 [0] 1.5: kvm:kvm_mmio_spt\ne: x\n").events, ElementsAre("1 kvm_mmio_spte|x"));
}

TEST(EventReader, CallChainsCommentsAndTheKernelsLogContinueNothing) {
  for (const char* line : {"\tffffffff81000000 kvm_fpu+0x12 ([kvm])", "=> kvm_fpu (ffffffff81000000)", "# direct",
                           "[  12.345] usb 1-1: new device", "CPU:2 [LOST 3 EVENTS]",
                           "b 1 [0] 1.5: PERF_RECORD_COMM exec: x:1/1", "\n direct", "\ndirect"}) {
    const Read read = read_events(fmt::format("a 1/2 [0] 1.5: kvm:a: x\n{}\n", line));
    EXPECT_THAT(read.events, ElementsAre("1 a|x")) << line;
    EXPECT_EQ(read.joined, 0u) << line;
  }
}

TEST(EventReader, WhatIsCutOffIsCounted) {
  EXPECT_EQ(read_events("a 1/2 [0] 1.5:\na 1/2 [0] 1.6: kvm:a: x\n").cut, 1u) << "no name";
  EXPECT_EQ(read_events("a 1/2 [0] 1.6: kvm:a: x\n\nkvm:kvm_exit: no thread\n").cut, 1u);
  EXPECT_EQ(read_events("a 1/2 [0] 1.6: kvm:a: x\nyy 1/2 [0]\n1.7: kvm:kvm_exit: x\n").cut, 1u)
      << "two events in what was joined";
  EXPECT_EQ(read_events("a 1/2 [0] 1.5:").cut, 1u);
}

TEST(EventReader, JoinsInBoundedMemory) {
  std::string text = "a 1/2 [0] 1.5: kvm:a: x\n";
  for (int i = 0; i < 100'000; ++i) text += "word\n";
  const Read read = read_events(text);
  EXPECT_LT(read.joined, 100u);
  EXPECT_EQ(read.events.size(), 1u);
  const std::string wide(LineSource::kMaxLine, 'y');
  EXPECT_EQ(read_events("a 1/2 [0] 1.5: kvm:a: x\n" + wide + "\n").joined, 0u);
}

}  // namespace
}  // namespace shadowwalk::trace
