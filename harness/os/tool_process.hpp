#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/os/death_watch.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/interrupt.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::os {

/// What a tool prints on stdout or stderr, kept, e.g. for the line that reports its failure. A file, not a pipe: a
/// program that outlives this process for a moment must not die of SIGPIPE before it has written its output.
class ToolOutput {
 public:
  /// Throws InputError if there can be none.
  ToolOutput();
  int fd() const { return file_.get(); }
  /// os::last_line() of it, or that nothing was printed.
  std::string last_line() const;

 private:
  FileDescriptor file_;
};

/// start_program() for a tool: throws InputError also if no process can be made.
pid_t start_tool(const std::string& path, const std::vector<std::string>& words, const ChildSetup& setup);

/// An exit_code_of() in words: `exit code 0`, `failed with exit code 3`, `was ended by a signal (File size limit
/// exceeded)`.
std::string end_in_words(int exit_code);

/// A running tool, such as perf, that shares our terminal; its stderr is kept and not shown, since tools warn of much
/// that is harmless here. Meanwhile this process ignores Ctrl-C, so that the tool ends in order. If this process dies,
/// the tool is interrupted, too. One at a time.
class ToolProcess {
 public:
  struct Setup {
    int out = -1;                                              ///< becomes its stdout; -1: ours
    std::optional<std::vector<std::string>> environment = {};  ///< NAME=VALUE each; nothing: ours
  };

  /// Starts a program with these arguments, argv[0] included. Descriptors that are not close-on-exec are inherited.
  /// Throws InputError if it cannot be started.
  ToolProcess(const std::string& path, const std::vector<std::string>& words, Setup setup);
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;
  /// Ends it.
  ~ToolProcess();

  /// Its os::exit_code_of(); nothing while it runs.
  std::optional<int> ended();
  /// Waits until it has ended by itself, and returns its exit code.
  int wait();
  /// Interrupts it, as Ctrl-C would, and waits for it. If it does not end, interrupts it once more, then kills it.
  int end(std::chrono::milliseconds patience = std::chrono::seconds(30));
  /// The last line of its stderr.
  std::string last_error() const { return errors_.last_line(); }

 private:
  /// False: it still runs.
  bool ends_within(std::chrono::milliseconds time);

  const IgnoredInterrupt ignored_;
  const ToolOutput errors_;
  const pid_t child_;
  const DeathWatch watch_;
  std::optional<int> code_;
};

}  // namespace shadowwalk::os
