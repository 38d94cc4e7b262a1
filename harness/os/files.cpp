#include "harness/os/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
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

constexpr std::string_view kTemporaryPrefix = ".shadowwalk-";
constexpr std::string_view kTemporarySuffix = ".tmp";

/// A random name, which no other process can predict. It leaves out the name of the file, which may be as long as names
/// can be.
fs::path random_name_in(const fs::path& directory) {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) throw_write_error(directory, errno);
  return directory / fmt::format("{}{:016x}{}", kTemporaryPrefix, number, kTemporarySuffix);
}

/// A file that did not exist before; not open if it cannot be made (errno says why).
struct NewFile {
  FileDescriptor fd;
  fs::path name;  ///< empty: it has none, where the file system allows that
};

NewFile open_new_file(const fs::path& directory) {
  NewFile file{FileDescriptor(open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666)), {}};
  if (!file.fd.is_open()) {
    file.name = random_name_in(directory);
    file.fd = FileDescriptor(open(file.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  }
  return file;
}

/// Where output for a path goes.
struct Destination {
  fs::path file{};        ///< that is replaced or made: no symlink
  mode_t mode = 0;        ///< permission bits of `file`; 0: there is none yet
  int inherited = -1;     ///< the path is what stdout (1) or stderr (2) is
  bool as_it_is = false;  ///< the path is a character device or a fifo
};

/// The end of a chain of symlinks, which need not exist.
fs::path end_of_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as the kernel follows
  fs::path at = path;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    if (!fs::is_symlink(at, error)) return at;
    const fs::path next = fs::read_symlink(at, error);
    if (error) throw_write_error(path, error.value());
    at = next.is_absolute() ? next : parent_of(at) / next;
  }
  throw_write_error(path, ELOOP);
}

/// Throws InputError: a directory, a block device, a socket, a chain of symlinks without an end.
Destination destination_of(const fs::path& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) throw_write_error(path, errno);
    return {.file = end_of_links(path)};
  }
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    if (fstat(fd, &own) == 0 && own.st_dev == found.st_dev && own.st_ino == found.st_ino) return {.inherited = fd};
  }
  if (S_ISDIR(found.st_mode)) throw_write_error(path, EISDIR);
  if (S_ISREG(found.st_mode)) {
    std::error_code error;
    const fs::path file = fs::canonical(path, error);
    if (error) throw_write_error(path, error.value());
    return {.file = file, .mode = found.st_mode & 07777};
  }
  if (S_ISCHR(found.st_mode) || S_ISFIFO(found.st_mode)) return {.as_it_is = true};
  throw InputError(fmt::format("cannot write {}: it is a {}; choose another path", path.string(),
                               S_ISBLK(found.st_mode) ? "block device" : "socket"));
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

OutputFile::OutputFile(fs::path path) : path_(std::move(path)) {
  if (!path_.has_filename()) throw_write_error(path_, EISDIR);
  const Destination destination = destination_of(path_);
  if (destination.inherited >= 0) {
    fd_ = FileDescriptor(fcntl(destination.inherited, F_DUPFD_CLOEXEC, 0));
  } else if (destination.as_it_is) {
    // A fifo that no process reads would make an open without O_NONBLOCK wait for one.
    fd_ = FileDescriptor(open(path_.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (fd_.is_open()) fcntl(fd_.get(), F_SETFL, 0);
  } else {
    target_ = destination.file;
    NewFile file = open_new_file(parent_of(target_));
    fd_ = std::move(file.fd);
    temporary_ = std::move(file.name);
    if (fd_.is_open() && destination.mode != 0) fchmod(fd_.get(), destination.mode);
  }
  if (!fd_.is_open()) throw_write_error(path_, errno);
}

OutputFile::~OutputFile() {
  if (fd_.is_open() && !temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::append(std::string_view bytes) {
  if (const int error = write_all(fd_.get(), bytes); error != 0) throw_write_error(path_, error);
}

void OutputFile::append(std::span<const std::byte> bytes) {
  append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void OutputFile::commit() {
  if (target_.empty()) return fd_.reset();
  if (temporary_.empty()) {
    const fs::path name = random_name_in(parent_of(target_));
    const std::string unnamed = fmt::format("/proc/self/fd/{}", fd_.get());
    if (linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      throw_write_error(path_, errno);
    }
    temporary_ = name;
  }
  move_durably(fd_, temporary_, target_);
  fd_.reset();
}

void write_file(const fs::path& path, std::string_view content) {
  OutputFile file(path);
  file.append(content);
  file.commit();
}

void require_writable(const fs::path& path) {
  const fs::path folder = fs::absolute(path).parent_path();
  std::error_code error;
  if (!path.has_filename()) throw_write_error(path, EISDIR);
  if (!fs::is_directory(folder, error)) {
    throw InputError(fmt::format("cannot write {}: {} is no folder; make it first, or give another file", path.string(),
                                 folder.string()));
  }
  const Destination destination = destination_of(path);
  if (destination.inherited >= 0) return;
  if (!destination.as_it_is) return require_space(parent_of(destination.file), 1, path);
  if (access(path.c_str(), W_OK) != 0) throw_write_error(path, errno);
}

void commit_file(const fs::path& from, const fs::path& to) {
  const FileDescriptor fd(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) throw_write_error(to, errno);
  move_durably(fd, from, to);
}

FileDescriptor open_scratch_file(const fs::path& directory) {
  NewFile file = open_new_file(directory);
  if (!file.fd.is_open()) throw_write_error(directory, errno);
  if (!file.name.empty()) unlink(file.name.c_str());
  return std::move(file.fd);
}

void require_space(const fs::path& directory, std::size_t bytes, const fs::path& file) {
  const FileDescriptor fd = open_scratch_file(directory);
  const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));
  if (error != 0) throw_write_error(file.empty() ? directory : file, error);
}

bool is_temporary_name(std::string_view name) {
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

}  // namespace shadowwalk::os
