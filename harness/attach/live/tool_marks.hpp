#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/attach/live/process.hpp"

/// Which tools `shadowwalk attach` attached to a measuring process: the cell reads the marks when it is over and names
/// the tools in its result.
namespace shadowwalk::live {

/// The content of a mark's file.
struct Mark {
  std::uint64_t begin_ns = 0;  ///< the tool was attached from here, of now_ns()'s clock
  std::uint64_t end_ns = 0;    ///< ... to here; the largest number: it still is
  std::string command;
};
std::string to_text(const Mark& mark);
/// The inverse of to_text(), with a command that a terminal may show; nothing if the text is no mark.
std::optional<Mark> mark_from_text(const std::string& text);

/// Marks a tool as attached to a process while the object exists. After kill -9 the mark counts until the process ends.
class ToolMark {
 public:
  /// `command`: the tool's name in the result. Throws InputError if the mark cannot be written.
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

/// The commands that were attached to the process at any time in [begin_ns, end_ns] of now_ns()'s clock, earliest
/// first. Never throws: if nothing can be read, there are no marks.
std::vector<std::string> tools_on(const Process& measuring, std::uint64_t begin_ns, std::uint64_t end_ns) noexcept;

/// Call it at the end of the measuring process.
void remove_marks(const Process& measuring) noexcept;

}  // namespace shadowwalk::live
