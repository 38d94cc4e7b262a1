#include "harness/os/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "harness/os/file_descriptor.hpp"
#include "tests/files.hpp"

namespace shadowwalk::os {
namespace {

using ::testing::HasSubstr;

/// What a shell command prints when it is started with this setup, and its exit code.
std::string output_of(const std::string& command, ChildSetup setup, int* code = nullptr) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  setup.out = writer.get();
  const pid_t child = start_program("/bin/sh", {"sh", "-c", command}, setup);
  writer.reset();
  std::string text;
  char buffer[256];
  for (ssize_t count = 0; (count = read(reader.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  const int ended = wait_for(child);
  if (code != nullptr) *code = ended;
  return text;
}

TEST(Program, RunsWithItsArgumentsEnvironmentAndExitCode) {
  int code = 0;
  EXPECT_EQ(output_of("echo $GREETING; exit 3", {.environment = {{"GREETING=hello", "PATH=/bin"}}}, &code), "hello\n");
  EXPECT_EQ(code, 3);
  output_of("kill -KILL $$", {}, &code);
  EXPECT_EQ(code, 128 + SIGKILL);
}

TEST(Program, LeadsItsOwnGroupIfAsked) {
  const std::string same = std::to_string(getpgrp());
  const char* const print_group = "cut -d ' ' -f 5 /proc/self/stat";
  EXPECT_EQ(output_of(print_group, {}), same + "\n");
  EXPECT_NE(output_of(print_group, {.own_group = true}), same + "\n");
}

TEST(Program, CanBeInterruptedThoughWeCannot) {
  const auto before = std::signal(SIGINT, SIG_IGN);
  int code = 0;
  EXPECT_EQ(output_of("kill -INT $$; echo still here", {}, &code), "still here\n");
  EXPECT_EQ(output_of("kill -INT $$; echo still here", {.default_signals = true}, &code), "");
  std::signal(SIGINT, before);
  EXPECT_EQ(code, 128 + SIGINT);
}

TEST(Program, SaysWhyItCannotBeStarted) {
  EXPECT_EQ(complaint([] { start_program("/nonexistent", {"x"}, {}); }),
            "cannot start /nonexistent: No such file or directory");
  EXPECT_THAT(complaint([] { start_program("/tmp", {"x"}, {}); }), HasSubstr("Permission denied"));
}

TEST(Program, IsFoundOnPath) {
  EXPECT_THAT(find_program("sh").value_or(""), HasSubstr("/sh"));
  EXPECT_EQ(find_program("no-such-program"), std::nullopt);
  EXPECT_EQ(complaint([] { require_program("no-such-program", "this test", "none"); }),
            "this test needs no-such-program, which is not on PATH: install the package none");
}

TEST(LastLine, IsPrintableAndShort) {
  EXPECT_EQ(last_line(""), "");
  EXPECT_EQ(last_line("\n \n"), "");
  EXPECT_EQ(last_line("one\ntwo\n\n"), "two");
  EXPECT_EQ(last_line("one\rtwo"), "two");
  EXPECT_EQ(last_line("a\x1b[31mb\tc"), "a\\x1b[31mb\\x09c");
  EXPECT_LE(last_line(std::string(5000, 'x')).size(), 400u);
}

TEST(ShellLine, AShellReadsTheWordsAgain) {
  EXPECT_EQ(shell_line({"a", "b/c.d", "--x=1"}), "a b/c.d --x=1");
  EXPECT_EQ(shell_line({"x=1", "", "it's", "$(b) `c` \"d\" \\", "kvm:*", "~", "#a"}),
            "'x=1' '' 'it'\\''s' '$(b) `c` \"d\" \\' 'kvm:*' '~' '#a'");
}

}  // namespace
}  // namespace shadowwalk::os
