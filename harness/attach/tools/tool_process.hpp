#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/os/interrupt.hpp"

namespace shadowwalk::tools {

/// A tool that shares our terminal, for as long as it runs: Ctrl-C is for it alone, so that it ends in order. If we die
/// it is interrupted, too. One at a time.
class ToolProcess {
 public:
  /// Found on PATH, as `words[0]` says. Throws InputError if it cannot be started.
  explicit ToolProcess(const std::vector<std::string>& words);
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;
  ~ToolProcess();

  /// Its exit code, 128 and the signal's number if one ended it; nothing while it runs.
  std::optional<int> ended();
  /// Interrupts it, as Ctrl-C would, and waits for it. One that does not end is interrupted once more, then killed.
  int end(std::chrono::milliseconds patience = std::chrono::seconds(30));

 private:
  /// False: it runs on.
  bool ends_within(std::chrono::milliseconds time);

  const os::IgnoredInterrupt ignored_;
  pid_t child_ = -1;
  std::optional<int> code_;
};

}  // namespace shadowwalk::tools
