#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::live {

/// The directory in which live runs are listed, a file each: $XDG_RUNTIME_DIR/shadowwalk, or /run/shadowwalk where that
/// variable is not set. It is the user's alone, mode 0700: one that belongs to somebody else, or that others may enter,
/// is refused, since who finds processes by what stands there sends them signals.
class RuntimeDirectory {
 public:
  /// Opens it, and makes it if it is not there. Throws InputError: what, why, what to do.
  static RuntimeDirectory make();
  /// Opens it; nothing if it is not there. Throws InputError if it is refused.
  static std::optional<RuntimeDirectory> find();

  const std::string& path() const { return path_; }

  /// The names of all files in it.
  std::vector<std::string> names() const;
  /// A file's content; nothing if it is not there, or no plain file of a sane size.
  std::optional<std::string> read(const std::string& name) const;
  /// Replaces a file's content, as a whole or not at all. Throws InputError.
  void replace(const std::string& name, std::string_view content) const;
  void remove(const std::string& name) const noexcept;
  /// False if `from` is not there: another was quicker.
  bool rename(const std::string& from, const std::string& to) const noexcept;
  /// Makes a fifo that nobody had before. Throws InputError.
  void make_fifo(const std::string& name) const;
  /// Opens a fifo with O_NONBLOCK and these flags; -1 and errno if it cannot be opened, or is no fifo (EINVAL).
  int open_fifo(const std::string& name, int flags) const noexcept;

 private:
  RuntimeDirectory(std::string path, os::FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  static std::optional<RuntimeDirectory> open(const std::string& path);

  std::string path_;
  os::FileDescriptor fd_;
};

}  // namespace shadowwalk::live
