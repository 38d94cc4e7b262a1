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

TEST(VmConsole, IsSilentWithoutAWord) { EXPECT_EQ(VmConsole().last_words(), ""); }

TEST(VmConsole, IsPrintableAndBounded) {
  VmConsole console;
  for (int i = 0; i < 100'000; ++i) console.add("a line \x1b[31m that nobody wants to read, again and again\n");
  EXPECT_THAT(console.last_words(), Not(HasSubstr("\x1b")));
  EXPECT_LT(console.last_words().size(), 500u);
  EXPECT_LT(console.text().size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace shadowwalk::kernel
