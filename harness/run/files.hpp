#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

/// Files that are there in full or not at all, also after kill -9 or a power cut.
namespace shadowwalk::run {

/// Owns a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_{fd} {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

/// Writes `.<name>.tmp` beside `path`, syncs it, renames it over `path`, syncs the directory. On failure nothing is
/// left of the new content and the old one stands. Throws InputError: the path, the reason, what to do.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Moves a complete file to its place, durably: sync, rename, sync of the directory. Both paths on one file system.
/// Throws InputError.
void commit_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Throws InputError unless `bytes` can be written in `directory` now (space, quota, file size limit, read-only
/// mounts).
void require_space(const std::filesystem::path& directory, std::size_t bytes);

/// The whole content. Throws InputError when it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace shadowwalk::run
