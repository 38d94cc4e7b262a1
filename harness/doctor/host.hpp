#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/live_facts.hpp"

namespace shadowwalk::doctor {

/// The files by which a host tells about itself (/proc, /sys, /dev), below a root that tests choose. Paths are as on
/// the host: "/proc/meminfo". Nothing throws: a file that is missing or must not be read is no content.
class HostFiles {
 public:
  explicit HostFiles(std::filesystem::path root = "/") : root_(std::move(root)) {}

  /// The content, at most 1 MiB, without white space at its end.
  std::optional<std::string> read(std::string_view path) const;
  std::optional<std::int64_t> read_number(std::string_view path) const;
  bool exists(std::string_view path) const;
  /// Names in a directory, sorted; empty if it is missing or must not be read.
  std::vector<std::string> list(std::string_view path) const;
  /// Whether the directory is there, but its names are kept from this user.
  bool is_closed(std::string_view path) const;

 private:
  std::filesystem::path on_host(std::string_view path) const;

  std::filesystem::path root_;
};

/// Where tracefs is, the usual place first.
inline constexpr const char* kTracefsMounts[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

/// All that the doctor knows of a host.
struct Host {
  HostFiles files;
  LiveFacts live;
};

/// The command as this user runs it: behind sudo, except for root.
std::string as_root(const Host& host, std::string_view command);
/// The command that writes `value` into a file that only root may write.
std::string write_as_root(const Host& host, std::string_view value, std::string_view path);

/// Whether this process may count what others may not (CAP_PERFMON, or CAP_SYS_ADMIN as it was before Linux 5.8).
bool may_perf(const Host& host);
/// What perf events this process may open on threads of its own user, each including the ones before.
enum class PerfScope {
  none,
  user_mode,    ///< of what they do in user mode
  own_threads,  ///< of the kernel's side, too, and tracepoints
  whole_host    ///< of all that runs on a CPU
};
PerfScope perf_scope(const Host& host);

/// The systems of KVM's tracepoints that the kernel has: kvm, kvmmmu.
std::vector<std::string> kvm_event_systems(const Host& host);

/// Whether the CPU says that it is one of a virtual machine.
bool is_virtual(const Host& host);
/// Whether /proc/cpuinfo has the flag.
bool has_cpu_flag(const Host& host, std::string_view flag);

/// CPU numbers as the kernel writes lists: 0-3,8. `cpus` ascends.
std::string cpu_list(const std::vector<unsigned>& cpus);
/// "23.4 GiB"; "512 MiB".
std::string in_words(std::uint64_t bytes);

}  // namespace shadowwalk::doctor
