#include "harness/coherence/directory.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "four_cpus.hpp"

namespace shadowwalk::coherence {
namespace {

/// MESI, as one CPU's cache sees a line.
enum class LineState { modified, exclusive, shared, invalid };
using enum LineState;

LineState state_of(const Line& line, unsigned cpu) {
  if (line.owner == cpu) return line.dirty ? modified : exclusive;
  return line.sharers.has(cpu) ? shared : invalid;
}

/// Who had the line how before, who did what, and what that left and cost: MESI in full, for two CPUs of one last-level
/// cache and one of the other socket.
struct Row {
  const char* what;
  LineState before[3];
  unsigned cpu;
  bool writes;
  LineState after[3];
  Picoseconds cost;
  bool transferred;
};

constexpr unsigned kCpus[] = {0, 1, 2};  // 2 is on the other socket

Line line_in(const LineState (&states)[3]) {
  Line line;
  for (unsigned i = 0; i < 3; ++i) {
    if (states[i] == modified || states[i] == exclusive) {
      line.owner = kCpus[i];
      line.dirty = states[i] == modified;
    } else if (states[i] == shared) {
      line.sharers.add(kCpus[i]);
    }
  }
  return line;
}

TEST(Directory, MovesALineAsMesiDoes) {
  const Topology topology = four_cpus();
  const Directory directory(topology);
  const Row rows[] = {
      {"reads what nobody has", {invalid, invalid, invalid}, 0, false, {exclusive, invalid, invalid}, 70'000, false},
      {"writes what nobody has", {invalid, invalid, invalid}, 0, true, {modified, invalid, invalid}, 70'000, false},
      {"reads a neighbour's clean line",
       {invalid, exclusive, invalid},
       0,
       false,
       {shared, shared, invalid},
       10'000,
       true},
      {"reads a neighbour's dirty line",
       {invalid, modified, invalid},
       0,
       false,
       {shared, shared, invalid},
       10'000,
       true},
      {"reads a dirty line from afar",
       {invalid, invalid, modified},
       0,
       false,
       {shared, invalid, shared},
       100'000,
       true},
      {"writes a neighbour's dirty line",
       {invalid, modified, invalid},
       0,
       true,
       {modified, invalid, invalid},
       10'000,
       true},
      {"writes a dirty line from afar",
       {invalid, invalid, modified},
       0,
       true,
       {modified, invalid, invalid},
       100'000,
       true},
      {"reads a shared line: the nearest gives it",
       {invalid, shared, shared},
       0,
       false,
       {shared, shared, shared},
       10'000,
       true},
      {"writes a shared line: the farthest must drop it",
       {invalid, shared, shared},
       0,
       true,
       {modified, invalid, invalid},
       100'000,
       true},
      {"upgrades beside a neighbour", {shared, shared, invalid}, 0, true, {modified, invalid, invalid}, 10'000, true},
      {"upgrades the only copy", {shared, invalid, invalid}, 0, true, {modified, invalid, invalid}, 0, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Line line = line_in(row.before);
    const auto moved =
        row.writes ? directory.write(line, row.cpu, 1'000'000) : directory.read(line, row.cpu, 1'000'000);
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(state_of(line, kCpus[i]), row.after[i]) << "CPU " << kCpus[i];
    EXPECT_EQ(moved.done, 1'000'000 + row.cost);
    EXPECT_EQ(moved.transferred, row.transferred);
  }
}

TEST(Directory, AWriterWaitsForTheOneBefore) {
  const Topology topology = four_cpus();
  const Directory directory(topology);
  Line line;
  line.owner = 0;
  EXPECT_EQ(directory.write(line, 1, 0).done, 10'000);
  EXPECT_EQ(directory.write(line, 0, 1'000).done, 20'000) << "after it has arrived at 1";
  EXPECT_EQ(directory.write(line, 2, 1'000).done, 120'000);
}

TEST(Directory, AnOwnerKeepsALineForItsHold) {
  const Topology topology = four_cpus();
  const Directory directory(topology);
  Line line;
  line.owner = 0;
  const auto moved = directory.write(line, 1, 50'000);
  EXPECT_EQ(moved.former_owner, 0u);
  EXPECT_EQ(moved.kept_until, 53'000);
}

TEST(Directory, ReadersOfASharedLineAreServedOneByOne) {
  const Topology topology = four_cpus();
  const Directory directory(topology);
  Line line;
  line.sharers.add(1);
  EXPECT_EQ(directory.read(line, 0, 0).done, 10'000);
  EXPECT_EQ(directory.read(line, 2, 0).done, 105'000) << "5,000 ps later, and from the other socket";
}

TEST(LineTable, WhatIsOnOneLineSharesIt) {
  LineTable lines;
  struct alignas(64) Two {
    std::uint64_t a, b;
    alignas(64) std::uint64_t apart;
  };
  const Two two{};
  EXPECT_EQ(&lines.at(&two.a), &lines.at(&two.b));
  EXPECT_NE(&lines.at(&two.a), &lines.at(&two.apart));
  const std::vector<std::uint64_t> many(1 << 20);  // more lines than are remembered
  Line* const first = &lines.at(&two.a);
  for (const std::uint64_t& word : many) lines.at(&word);
  EXPECT_EQ(&lines.at(&two.a), first);
}

}  // namespace
}  // namespace shadowwalk::coherence
