#include "harness/kernel/module_build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <vector>

#include "harness/kernel/kernel_module.hpp"
#include "harness/kernel/module_facts.hpp"
#include "harness/kernel/tool.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/os/printable.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;

fs::path cache_directory() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') return cache;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return fs::path(home) / ".cache";
  return fs::temp_directory_path() / fmt::format("shadowwalk-{}", geteuid());
}

/// Where the headers of a kernel are; nothing: there are none.
std::optional<fs::path> headers_of(const std::string& release, const fs::path& tree) {
  std::vector<fs::path> candidates;
  for (const fs::path& root : {tree, fs::path("/")}) {
    candidates.push_back(root / "usr/src" / fmt::format("linux-headers-{}", release));
    candidates.push_back(root / "lib/modules" / release / "build");
  }
  candidates.push_back(tree);  // a kernel's own build directory
  std::error_code error;
  for (const fs::path& candidate : candidates) {
    if (fs::exists(candidate / "include/config/auto.conf", error)) return fs::absolute(candidate).lexically_normal();
  }
  return std::nullopt;
}

fs::path require_headers(const std::string& release, const fs::path& tree) {
  if (const auto headers = headers_of(release, tree)) return *headers;
  throw InputError(
      fmt::format("no headers of Linux {0}: install linux-headers-{0}, or unpack that package beside the "
                  "kernel, as scripts/fetch-kernels does",
                  release));
}

/// What went wrong by make's output: the line of its `$(error ...)`, the first compiler's or linker's error, or else
/// its last line.
std::string first_error(const std::string& output) {
  constexpr std::string_view kOfMakefile = "*** ";
  std::istringstream lines(output);
  std::string of_make;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error:") != line.npos || line.find("ERROR:") != line.npos ||
        line.find("check-object:") != line.npos) {
      return os::last_line(line);
    }
    const std::size_t at = line.find(kOfMakefile);
    if (of_make.empty() && at != line.npos) of_make = os::last_line(line.substr(at + kOfMakefile.size()));
  }
  return of_make.empty() ? os::last_line(output) : of_make;
}

/// One build at a time in a directory, of all processes.
class BuildLock {
 public:
  BuildLock(const fs::path& directory, const std::string& release,
            const std::function<void(const std::string&)>& notice)
      : directory_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (flock(directory_.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK && notice) {
      notice(fmt::format("another process builds the module for Linux {}: waiting for it", release));
    }
    while (flock(directory_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) throw InputError(fmt::format("cannot lock {}: {}", directory.string(), std::strerror(errno)));
    }
  }

 private:
  const os::FileDescriptor directory_;
};

}  // namespace

fs::path module_file(const std::string& release) {
  return cache_directory() / "shadowwalk" / "modules" / release / fmt::format("{}.ko", kModuleName);
}

std::string why_not_for(const fs::path& file, const std::string& release) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  const auto module = os::read_if_readable(file, kMost);
  if (!module) return fmt::format("{} is not there", file.string());
  if (const std::string built_for = release_of_module(file); built_for != release) {
    return fmt::format("{} is for Linux {}, not {}", file.string(), os::printable(built_for), release);
  }
  if (const std::string version = modinfo(*module, "version"); version != SHADOWWALK_VERSION) {
    return fmt::format("{} has version {}, this program {}", file.string(),
                       version.empty() ? "none" : os::printable(version), SHADOWWALK_VERSION);
  }
  return {};
}

std::string why_not_buildable(const fs::path& source, const std::string& release, const fs::path& tree) {
  try {
    const fs::path headers = require_headers(release, tree);
    os::require_program("make", "building the module", "make");
    const ToolEnd end = run_tool({"make", "-C", source.string(), fmt::format("KDIR={}", headers.string()), "check"});
    return end.exit_code == 0 ? std::string() : first_error(end.output);
  } catch (const InputError& error) {
    return error.what();
  }
}

fs::path build_module(const fs::path& source, const std::string& release, const fs::path& tree,
                      const std::function<void(const std::string&)>& notice) {
  const fs::path file = module_file(release);
  if (!headers_of(release, tree) && why_not_for(file, release).empty()) return file;
  const fs::path headers = require_headers(release, tree);
  os::require_program("make", "building the module", "make");
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) throw InputError(fmt::format("cannot make {}: {}", file.parent_path().string(), error.message()));
  const BuildLock lock(file.parent_path(), release, notice);
  if (!fs::exists(file, error) && notice) {
    notice(fmt::format("building the module for Linux {}: some minutes, once", release));
  }
  const ToolEnd end =
      run_tool({"make", "-C", source.string(), fmt::format("-j{}", sysconf(_SC_NPROCESSORS_ONLN)),
                fmt::format("KDIR={}", headers.string()), fmt::format("BUILD={}", file.parent_path().string())});
  if (end.exit_code != 0) {
    throw InputError(fmt::format("the module for Linux {} cannot be built: {}", release, first_error(end.output)));
  }
  if (const std::string why = why_not_for(file, release); !why.empty()) throw InputError(why);
  return file;
}

}  // namespace shadowwalk::kernel
