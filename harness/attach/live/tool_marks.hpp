#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/attach/live/process.hpp"

/// Which tools `shadowwalk attach` put on a process that measures: the cell reads it when it is over, so that its
/// result says so.
namespace shadowwalk::live {

/// A tool is on a process for as long as this lives. After kill -9 it counts as if it were on until the process ends.
class ToolMark {
 public:
  /// `command`: as the result shall name it. Throws InputError if it cannot be written.
  ToolMark(const Process& measuring, std::string command);
  ToolMark(const ToolMark&) = delete;
  ToolMark& operator=(const ToolMark&) = delete;
  ~ToolMark();

 private:
  void write(std::uint64_t end_ns) const;

  const std::string name_;
  const std::string command_;
  const std::uint64_t begin_ns_;
};

/// The commands that were on the process at any time in [begin_ns, end_ns], now_ns()'s clock, the earliest first. Never
/// throws: where nothing can be read, nobody has left a mark.
std::vector<std::string> tools_on(const Process& measuring, std::uint64_t begin_ns, std::uint64_t end_ns) noexcept;

/// At the end of the process that measured.
void remove_marks(const Process& measuring) noexcept;

}  // namespace shadowwalk::live
