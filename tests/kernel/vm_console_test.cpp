#include "harness/kernel/vm_console.hpp"

#include <gmock/gmock.h>

namespace shadowwalk::kernel {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(VmConsole, SaysTheGravestFirstAndThenTheEnd) {
  VmConsole console;
  console.add("[    1.0] booting\r\n[    2.0] BUG: kernel NULL pointer dereference\r\n[    2.1] RIP: somewhere\r\n");
  console.add(
      "[    2.2] Kernel panic - not syncing: Fatal exception\r\n[    2.3] one\r\n[    2.4] two\r\n[    2.5] three\r\n");
  EXPECT_EQ(console.last_words(), "Kernel panic - not syncing: Fatal exception | one | two | three");
}

TEST(VmConsole, SaysNothingTwice) {
  VmConsole console;
  console.add("one\nKernel panic - not syncing: x\n");
  EXPECT_EQ(console.last_words(), "one | Kernel panic - not syncing: x");
}

TEST(VmConsole, IsSilentWithoutAWord) {
  EXPECT_EQ(VmConsole().last_words(), "");
  EXPECT_EQ(VmConsole().gravest(), "");
  EXPECT_TRUE(VmConsole().last_lines().empty());
}

TEST(VmConsole, KeepsTheLastLinesAsTheyCame) {
  VmConsole console;
  for (int i = 0; i < 50; ++i) console.add("[    1.0] line " + std::to_string(i) + "\r\n\r\n");
  console.add("[    2.0] half a li");
  const std::vector<std::string> lines = console.last_lines();
  ASSERT_EQ(lines.size(), 20u);
  EXPECT_EQ(lines.front(), "[    1.0] line 31");
  EXPECT_EQ(lines.back(), "[    2.0] half a li");
}

TEST(VmConsole, KeepsWhatWentWrongWithItsTrace) {
  VmConsole console;
  console.add("before\nBUG: something\n");
  for (int i = 0; i < 30; ++i) console.add("frame " + std::to_string(i) + "\n");
  console.add("Kernel panic\n");
  EXPECT_EQ(console.last_lines().size(), 32u);
  EXPECT_EQ(console.last_lines().front(), "BUG: something");
  EXPECT_EQ(console.last_lines().back(), "Kernel panic");
  for (int i = 0; i < 100; ++i) console.add("frame\n");
  EXPECT_EQ(console.last_lines().size(), 60u);
}

TEST(VmConsole, FindsWhatAKernelComplainsOf) {
  VmConsole console;
  console.add("[    1.0] shadowwalk: loading out-of-tree module taints kernel.\n");
  EXPECT_EQ(console.gravest(), "");
  console.add("[    2.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1\n[    3.0] a line\n[    4.0] WARNING: another\n");
  EXPECT_EQ(console.gravest(), "WARNING: CPU: 0 PID: 1 at kernel/x.c:1");
}

TEST(VmConsole, IsPrintableAndBounded) {
  VmConsole console;
  for (int i = 0; i < 100'000; ++i) console.add("a line \x1b[31m that nobody wants to read, again and again\n");
  EXPECT_THAT(console.last_words(), Not(HasSubstr("\x1b")));
  EXPECT_LT(console.last_words().size(), 500u);
  EXPECT_LT(console.text().size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace shadowwalk::kernel
