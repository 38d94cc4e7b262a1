#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/os/file_descriptor.hpp"

/// Files: read as a whole; written either completely or not at all, also after kill -9 or a power cut. Errors are
/// InputErrors that name the path, the reason and a remedy.
namespace shadowwalk::os {

/// The content of a file. Throws InputError if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// The content of a file, at most its first `most` bytes; nothing if it is missing or cannot be read.
std::optional<std::string> read_if_readable(const std::filesystem::path& path, std::size_t most = 1 << 20);

/// Writes everything, also if the kernel takes it in pieces. Returns 0 or an errno.
int write_all(int fd, std::string_view content);

/// A file that is written piece by piece under a temporary name beside its path; commit() renames it.
class AtomicFile {
 public:
  /// The temporary name contains the process's id: several processes may write the same path, and the last one wins.
  /// Throws InputError if the file cannot be written there.
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Without a preceding commit(), removes what was written; a file that was at the path stays.
  ~AtomicFile();

  /// Throws InputError, e.g. if the disk is full.
  void append(std::string_view bytes);
  void append(std::span<const std::byte> bytes);
  /// Syncs the file, renames it to its path and syncs the directory. Throws InputError. Call it once, at the end.
  void commit();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  FileDescriptor fd_;
};

/// Writes a file atomically by way of `.<name>.tmp` beside it. On failure nothing of the new content is left and the
/// old content stays. One writer per path at a time. Throws InputError.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Moves a complete file to its path, durably: syncs it, renames it, syncs the directory. Both paths must be on one
/// file system. Throws InputError.
void commit_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Throws InputError unless `bytes` can be written in `directory` now (space, quota, file size limit, read-only
/// mounts).
void require_space(const std::filesystem::path& directory, std::size_t bytes);

}  // namespace shadowwalk::os
