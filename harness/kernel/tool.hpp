#pragma once

#include <optional>
#include <string>
#include <vector>

namespace shadowwalk::kernel {

/// A program that the host has, run to its end.
struct ToolEnd {
  int exit_code = 0;   ///< os::exit_code_of()
  std::string output;  ///< stdout, and what it printed to stderr
};

/// Runs a program, found on PATH unless its name has a slash; its stdin is empty. Blocks; if this process dies, the
/// program is killed. Throws InputError if it cannot be started.
ToolEnd run_tool(const std::vector<std::string>& words);

/// What it printed. Throws InputError, one line, unless it ended with exit code 0.
std::string output_of(const std::vector<std::string>& words);

}  // namespace shadowwalk::kernel
