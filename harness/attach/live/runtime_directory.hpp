#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/attach/live/process.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::live {

/// A file in the runtime directory.
struct RuntimeFile {
  std::string name;
  Process process;          ///< that it belongs to
  std::string kind;         ///< one of those below
  bool is_partial = false;  ///< it is being written
};

/// The directory that lists live runs, one file per process: $XDG_RUNTIME_DIR/shadowwalk, or /run/shadowwalk if that
/// variable is not set. Only the user has access, mode 0700: a directory that belongs to another user, or that others
/// may enter, is refused, because its readers send signals to the processes that its files name.
class RuntimeDirectory {
 public:
  /// Opens it, and makes it if it is missing. Throws InputError: what failed, why, what to do.
  static RuntimeDirectory make();
  /// Opens it; nothing if it is missing. Throws InputError if it is refused.
  static std::optional<RuntimeDirectory> find();

  const std::string& path() const { return path_; }

  /// The files in it, except for those of another pid namespace or of an unknown kind: they are left alone.
  /// Throws InputError if it cannot be listed.
  std::vector<RuntimeFile> files() const;
  /// A file's content; nothing if it is missing, no regular file, or larger than 64 KiB.
  std::optional<std::string> read(const std::string& name) const;
  /// Replaces a file's content, as a whole or not at all. Throws InputError.
  void replace(const std::string& name, std::string_view content) const;
  void remove(const std::string& name) const noexcept;
  /// False if `from` is missing: another process renamed it first.
  bool rename(const std::string& from, const std::string& to) const noexcept;
  /// Makes a new fifo, and removes an existing file of that name. Throws InputError.
  void make_fifo(const std::string& name) const;
  /// Opens a fifo with O_NONBLOCK and these flags; closed, and errno, if that fails or it is no fifo (EINVAL).
  os::FileDescriptor open_fifo(const std::string& name, int flags) const noexcept;

 private:
  RuntimeDirectory(std::string path, os::FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  static std::optional<RuntimeDirectory> open(const std::string& path);

  std::string path_;
  os::FileDescriptor fd_;
};

// The files in the runtime directory are named `PROCESS.KIND` after the process that they belong to. While a file is
// written, its name begins with a dot.

inline constexpr std::string_view kEntryKind = "json";  ///< of a measuring process: what it measures (entry.hpp)
inline constexpr std::string_view kMarkKind =
    "mark-";  ///< of a measuring process, and the pid of a tool (tool_marks.hpp)
inline constexpr std::string_view kRequestKind = "window";   ///< of a process that waits for a window (window_gate.hpp)
inline constexpr std::string_view kClaimKind = "claim-";     ///< ... and the cell (a Process) that answers it
inline constexpr std::string_view kDoneKind = "done";        ///< ... the window's times
inline constexpr std::string_view kControlKind = "control";  ///< ... the fifo that carries commands to perf
inline constexpr std::string_view kAckKind = "ack";          ///< ... the fifo that carries perf's answers

std::string file_name(const Process& process, std::string_view kind = kEntryKind);

/// The number that follows `prefix` in a kind; nothing if the kind is another one.
std::optional<pid_t> number_behind(std::string_view kind, std::string_view prefix);
/// The same for a process.
std::optional<Process> process_behind(std::string_view kind, std::string_view prefix);

}  // namespace shadowwalk::live
