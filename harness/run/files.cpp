#include "harness/run/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "harness/machine/error.hpp"

namespace shadowwalk::run {
namespace {

[[noreturn]] void throw_write_error(const std::filesystem::path& path, int error) {
  const char* remedy = "choose another --out";
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) remedy = "make room there or choose another --out";
  throw InputError{fmt::format("cannot write {}: {}; {}", path.string(), std::strerror(error), remedy)};
}

/// 0 or an errno.
int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor fd{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // EINVAL: a file system that cannot sync directories; its renames are as durable as it makes them.
  if (!fd.is_open() || (fsync(fd.get()) != 0 && errno != EINVAL)) throw_write_error(directory, errno);
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path temporary = parent_of(path) / fmt::format(".{}.tmp", path.filename().string());
  {
    const FileDescriptor fd{open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    int error = fd.is_open() ? write_all(fd.get(), content) : errno;
    if (error == 0 && fsync(fd.get()) != 0) error = errno;
    if (error != 0) {
      if (fd.is_open()) unlink(temporary.c_str());
      throw_write_error(path, error);
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    throw_write_error(path, error);
  }
  sync_directory(parent_of(path));
}

void commit_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  {
    const FileDescriptor fd{open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd.is_open() || fsync(fd.get()) != 0) throw_write_error(to, errno);
  }
  if (std::rename(from.c_str(), to.c_str()) != 0) throw_write_error(to, errno);
  sync_directory(parent_of(to));
}

void require_space(const std::filesystem::path& directory, std::size_t bytes) {
  const std::filesystem::path probe = directory / ".space.tmp";
  const FileDescriptor fd{open(probe.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!fd.is_open()) throw_write_error(directory, errno);
  const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  unlink(probe.c_str());
  if (error != 0) throw_write_error(directory, error);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream{path, std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{}};
  if (!stream) throw InputError{fmt::format("cannot read {}: {}", path.string(), std::strerror(errno))};
  return content;
}

}  // namespace shadowwalk::run
