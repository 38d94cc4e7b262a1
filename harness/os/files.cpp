#include "harness/os/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>

#include "harness/machine/error.hpp"

namespace shadowwalk::os {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_write_error(const fs::path& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw InputError(fmt::format("cannot write {}: {}; {}choose another path", path.string(), std::strerror(error),
                               is_full ? "make room there or " : ""));
}

void sync_directory(const fs::path& directory) {
  const FileDescriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: a file system that cannot sync directories; its renames are as durable as it makes them.
  if (!fd.is_open() || (fsync(fd.get()) != 0 && errno != EINVAL)) throw_write_error(directory, errno);
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

/// `file`: open at `from`.
void move_durably(const FileDescriptor& file, const fs::path& from, const fs::path& to) {
  if (fsync(file.get()) != 0 || std::rename(from.c_str(), to.c_str()) != 0) throw_write_error(to, errno);
  sync_directory(parent_of(to));
}

/// Appends at most `most` bytes; 0 or an errno.
int read_into(std::string& content, const fs::path& path, std::size_t most) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return errno;
  char chunk[16 << 10];
  while (content.size() < most) {
    const ssize_t count = TEMP_FAILURE_RETRY(read(fd.get(), chunk, std::min(sizeof chunk, most - content.size())));
    if (count < 0) return errno;
    if (count == 0) break;
    content.append(chunk, static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::string content;
  const int error = read_into(content, path, std::numeric_limits<std::size_t>::max());
  if (error != 0) throw InputError(fmt::format("cannot read {}: {}", path.string(), std::strerror(error)));
  return content;
}

std::optional<std::string> read_if_readable(const fs::path& path, std::size_t most) {
  std::string content;
  if (read_into(content, path, most) != 0) return std::nullopt;
  return content;
}

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = TEMP_FAILURE_RETRY(write(fd, content.data(), content.size()));
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

AtomicFile::AtomicFile(fs::path path)
    : AtomicFile(path, parent_of(path) / fmt::format(".{}.{}.tmp", path.filename().string(), getpid())) {}

AtomicFile::AtomicFile(fs::path path, fs::path temporary) : path_(std::move(path)), temporary_(std::move(temporary)) {
  std::error_code ignored;
  if (!path_.has_filename() || fs::is_directory(path_, ignored)) throw_write_error(path_, EISDIR);
  fd_ = FileDescriptor(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd_.is_open()) throw_write_error(path_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_.is_open()) unlink(temporary_.c_str());
}

void AtomicFile::append(std::string_view bytes) {
  if (const int error = write_all(fd_.get(), bytes); error != 0) throw_write_error(path_, error);
}

void AtomicFile::append(std::span<const std::byte> bytes) {
  append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void AtomicFile::commit() {
  move_durably(fd_, temporary_, path_);
  fd_.reset();
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  AtomicFile file(path, parent_of(path) / fmt::format(".{}.tmp", path.filename().string()));
  file.append(content);
  file.commit();
}

void commit_file(const fs::path& from, const fs::path& to) {
  const FileDescriptor fd(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) throw_write_error(to, errno);
  move_durably(fd, from, to);
}

void require_space(const fs::path& directory, std::size_t bytes) {
  const fs::path probe = directory / ".space.tmp";
  const FileDescriptor fd(open(probe.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.is_open()) throw_write_error(directory, errno);
  const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  unlink(probe.c_str());
  if (error != 0) throw_write_error(directory, error);
}

}  // namespace shadowwalk::os
