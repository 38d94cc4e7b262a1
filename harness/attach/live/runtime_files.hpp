#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "harness/attach/live/process.hpp"

/// The names of the files in the runtime directory: `PROCESS.KIND`, by the process that they go with. One that is being
/// written has a dot before its name.
namespace shadowwalk::live {

inline constexpr std::string_view kEntryKind = "json";      ///< of who measures: what it measures (entry.hpp)
inline constexpr std::string_view kMarkKind = "mark-";      ///< of who measures, and the pid of a tool (tool_marks.hpp)
inline constexpr std::string_view kRequestKind = "window";  ///< of who waits for a window (window_request.hpp)
inline constexpr std::string_view kClaimKind = "claim-";    ///< ... the same, and the pid of the cell that answers it
inline constexpr std::string_view kDoneKind = "done";       ///< ... when the window was
inline constexpr std::string_view kControlKind = "control";  ///< ... the fifo by which perf is told
inline constexpr std::string_view kAckKind = "ack";          ///< ... and that by which it answers

std::string file_name(const Process& process, std::string_view kind = kEntryKind);

struct RuntimeFile {
  Process process;
  std::string kind;
};
/// Of a file that is ours to judge: of this pid namespace, and of a kind that is known.
std::optional<RuntimeFile> parse_file_name(std::string_view name);

/// The number behind a kind that has one; nothing if it is another kind.
std::optional<pid_t> number_behind(std::string_view kind, std::string_view prefix);

}  // namespace shadowwalk::live
