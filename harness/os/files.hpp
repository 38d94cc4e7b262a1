#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/os/file_descriptor.hpp"

/// Files: read as a whole; written either completely or not at all, also after kill -9 or a power cut. In a directory
/// that others can write, no file of theirs is written through. Errors are
/// InputErrors that name the path, the reason and a remedy.
namespace shadowwalk::os {

/// The content of a file. Throws InputError if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// The content of a file, at most its first `most` bytes; nothing if it is missing or cannot be read.
std::optional<std::string> read_if_readable(const std::filesystem::path& path, std::size_t most = 1 << 20);

/// Writes everything, also if the kernel takes it in pieces. Returns 0 or an errno.
int write_all(int fd, std::string_view content);

/// A file that is written piece by piece and appears as a whole, by commit(). Where its name leads decides how:
/// - A regular file, or none: the new file replaces it by a rename and keeps its permission bits. Until then the
///   content is in an unnamed file (O_TMPFILE), which a killed process cannot leave behind, or, on file systems without
///   these, under a random name that no other process can have put there before.
/// - A symlink is followed, and stays.
/// - What stdout or stderr of this process is, a character device, or a fifo that a process reads: it is written to as
///   it is, and append() is final.
/// Anything else is refused. Several processes may write the same path, and the last one wins.
class OutputFile {
 public:
  /// Throws InputError if the file cannot be written there.
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  /// Without a preceding commit(), removes what was written; a file that was at the path stays.
  ~OutputFile();

  /// Throws InputError, e.g. if the disk is full.
  void append(std::string_view bytes);
  void append(std::span<const std::byte> bytes);
  /// Syncs the file, renames it to its path and syncs the directory. Throws InputError. Call it once, at the end.
  void commit();
  /// As it was given.
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path target_;     ///< what commit() replaces; empty: it is written to as it is
  std::filesystem::path temporary_;  ///< empty: the new file has no name yet
  FileDescriptor fd_;
};

/// An OutputFile with this content. Throws InputError; then nothing of the new content is left, and the old content
/// stays.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Throws InputError unless an OutputFile could be written to `path` now. Changes nothing.
void require_writable(const std::filesystem::path& path);

/// Moves a complete file to its path, durably: syncs it, renames it, syncs the directory. Both paths must be on one
/// file system. Throws InputError.
void commit_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// A file to write and read that no name leads to, in TMPDIR or else /tmp: gone when it is closed. Throws InputError.
FileDescriptor open_scratch_file(const std::filesystem::path& directory = std::filesystem::temp_directory_path());

/// Throws InputError unless `bytes` can be written in `directory` now (space, quota, file size limit, read-only
/// mounts). It names `file`, where one is given.
void require_space(const std::filesystem::path& directory, std::size_t bytes, const std::filesystem::path& file = {});

/// Whether a killed process may have left a file of this name behind where it wrote others.
bool is_temporary_name(std::string_view name);

}  // namespace shadowwalk::os
