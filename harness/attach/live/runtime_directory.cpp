#include "harness/attach/live/runtime_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"

namespace shadowwalk::live {
namespace {

constexpr const char* kOwnPlace = "set XDG_RUNTIME_DIR to a directory of your own";
constexpr std::size_t kLargestFile = 64 << 10;

std::string path_of_directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || *runtime == '\0') return "/run/shadowwalk";
  if (*runtime != '/')
    throw InputError(fmt::format("XDG_RUNTIME_DIR is '{}', no absolute path; {}", runtime, kOwnPlace));
  return std::string(runtime) + "/shadowwalk";
}

/// Why a directory of this owner and mode is refused; empty: it is not.
std::string refusal(const struct stat& status) {
  if (status.st_uid != geteuid()) return fmt::format("it belongs to user {}", status.st_uid);
  if ((status.st_mode & 077) != 0) return fmt::format("its mode is {:04o}, open to others", status.st_mode & 07777);
  return {};
}

bool is_known(std::string_view kind) {
  constexpr std::array kWhole = {kEntryKind, kRequestKind, kDoneKind, kControlKind, kAckKind};
  return std::find(kWhole.begin(), kWhole.end(), kind) != kWhole.end() || number_behind(kind, kMarkKind) ||
         process_behind(kind, kClaimKind);
}

std::optional<RuntimeFile> parse_file_name(const std::string& name) {
  std::string_view rest = name;
  const bool is_partial = rest.starts_with('.');
  if (is_partial) rest.remove_prefix(1);
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos || !is_known(rest.substr(dot + 1))) return std::nullopt;
  const std::optional<Process> process = parse_process(rest.substr(0, dot));
  if (!process) return std::nullopt;
  return RuntimeFile{name, *process, std::string(rest.substr(dot + 1)), is_partial};
}

}  // namespace

std::optional<RuntimeDirectory> RuntimeDirectory::open(const std::string& path) {
  os::FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open() && errno == ENOENT) return std::nullopt;
  if (!fd.is_open()) throw InputError(fmt::format("cannot open {}: {}; {}", path, std::strerror(errno), kOwnPlace));
  struct stat status {};
  const std::string why = fstat(fd.get(), &status) != 0 ? std::strerror(errno) : refusal(status);
  if (!why.empty()) throw InputError(fmt::format("{} is refused: {}; remove it, or {}", path, why, kOwnPlace));
  return RuntimeDirectory(path, std::move(fd));
}

RuntimeDirectory RuntimeDirectory::make() {
  const std::string path = path_of_directory();
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw InputError(fmt::format("cannot make {}: {}; {}", path, std::strerror(errno), kOwnPlace));
  }
  std::optional<RuntimeDirectory> directory = open(path);
  if (!directory) throw InputError(fmt::format("{} was removed while it was made", path));
  return std::move(*directory);
}

std::optional<RuntimeDirectory> RuntimeDirectory::find() { return open(path_of_directory()); }

std::vector<RuntimeFile> RuntimeDirectory::files() const {
  std::vector<RuntimeFile> files;
  const int fd = openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : fdopendir(fd);
  if (directory == nullptr) throw InputError(fmt::format("cannot list {}: {}", path_, std::strerror(errno)));
  while (const dirent* entry = readdir(directory)) {
    if (auto file = parse_file_name(entry->d_name)) files.push_back(std::move(*file));
  }
  closedir(directory);
  return files;
}

std::optional<std::string> RuntimeDirectory::read(const std::string& name) const {
  const os::FileDescriptor fd(openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd.is_open() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::size_t>(status.st_size) > kLargestFile) {
    return std::nullopt;
  }
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  if (pread(fd.get(), content.data(), content.size(), 0) != status.st_size) return std::nullopt;
  return content;
}

void RuntimeDirectory::replace(const std::string& name, std::string_view content) const {
  // No fsync: what a power cut takes is no live run.
  const std::string temporary = "." + name;
  const os::FileDescriptor fd(
      openat(fd_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  int error = fd.is_open() ? os::write_all(fd.get(), content) : errno;
  if (error == 0 && renameat(fd_.get(), temporary.c_str(), fd_.get(), name.c_str()) != 0) error = errno;
  if (error == 0) return;
  remove(temporary);
  throw InputError(fmt::format("cannot write in {}: {}", path_, std::strerror(error)));
}

void RuntimeDirectory::remove(const std::string& name) const noexcept { unlinkat(fd_.get(), name.c_str(), 0); }

bool RuntimeDirectory::rename(const std::string& from, const std::string& to) const noexcept {
  return renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) == 0;
}

void RuntimeDirectory::make_fifo(const std::string& name) const {
  remove(name);
  if (mkfifoat(fd_.get(), name.c_str(), 0600) != 0) {
    throw InputError(fmt::format("cannot make a fifo in {}: {}", path_, std::strerror(errno)));
  }
}

os::FileDescriptor RuntimeDirectory::open_fifo(const std::string& name, int flags) const noexcept {
  os::FileDescriptor fd(openat(fd_.get(), name.c_str(), flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!fd.is_open() || (fstat(fd.get(), &status) == 0 && S_ISFIFO(status.st_mode))) return fd;
  fd.reset();
  errno = EINVAL;
  return fd;
}

std::string file_name(const Process& process, std::string_view kind) {
  return fmt::format("{}.{}", to_string(process), kind);
}

std::optional<pid_t> number_behind(std::string_view kind, std::string_view prefix) {
  if (!kind.starts_with(prefix)) return std::nullopt;
  kind.remove_prefix(prefix.size());
  pid_t number = 0;
  const auto [end, error] = std::from_chars(kind.data(), kind.data() + kind.size(), number);
  if (error != std::errc() || end != kind.data() + kind.size() || number <= 0) return std::nullopt;
  return number;
}

std::optional<Process> process_behind(std::string_view kind, std::string_view prefix) {
  return kind.starts_with(prefix) ? parse_process(kind.substr(prefix.size())) : std::nullopt;
}

}  // namespace shadowwalk::live
