#include "harness/trace/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk::trace {

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)),
      temporary_(path_.parent_path() / fmt::format(".{}.{}.tmp", path_.filename().string(), getpid())),
      fd_(-1) {
  std::error_code error;
  if (!path_.has_filename() || std::filesystem::is_directory(path_, error)) {
    errno = EISDIR;
    fail();
  }
  fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) fail();
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

void OutputFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void OutputFile::commit() {
  if (fsync(fd_) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
  close(fd_);
  fd_ = -1;
  const std::filesystem::path directory = path_.has_parent_path() ? path_.parent_path() : ".";
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail();
  const bool synced = fsync(fd) == 0 || errno == EINVAL;  // EINVAL: the file system cannot sync directories
  const int error = errno;
  close(fd);
  errno = error;
  if (!synced) fail();
}

void OutputFile::fail() const {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw InputError(fmt::format("cannot write {}: {}; {}choose another -o", path_.string(), std::strerror(error),
                               full ? "make room there or " : ""));
}

}  // namespace shadowwalk::trace
