#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/live_facts.hpp"
#include "harness/host/host_facts.hpp"
#include "harness/os/host_files.hpp"

namespace shadowwalk::doctor {

using os::HostFiles;

/// Where tracefs may be mounted, the usual place first.
inline constexpr const char* kTracefsMounts[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

/// Everything that the doctor knows about a host.
struct Host {
  HostFiles files;
  LiveFacts live;
  host::HostFacts facts{};  ///< as a run records them; measuring them disturbs cells, so `attach` has none
};

/// The command for this user to run: with sudo, except for root.
std::string as_root(const Host& host, std::string_view command);
/// The command that writes `value` to a file that only root may write.
std::string write_as_root(const Host& host, std::string_view value, std::string_view path);

/// Whether this process has CAP_PERFMON, or CAP_SYS_ADMIN, which had its meaning before Linux 5.8.
bool may_perf(const Host& host);
/// The perf events that this process may open on threads of its own user. Each value includes the previous ones.
enum class PerfScope {
  none,
  user_mode,    ///< counts in user mode
  own_threads,  ///< also in kernel mode, and tracepoints
  whole_host    ///< of everything that runs on a CPU
};
PerfScope perf_scope(const Host& host);

/// The systems of KVM's tracepoints that the kernel has: kvm, kvmmmu.
std::vector<std::string> kvm_event_systems(const Host& host);

/// Whether this host is a virtual machine, as far as CPU and firmware report it.
bool is_virtual(const Host& host);
/// Whether /proc/cpuinfo has the flag.
bool has_cpu_flag(const Host& host, std::string_view flag);

/// CPU numbers in the kernel's list format: 0-3,8. `cpus` must ascend.
std::string cpu_list(const std::vector<unsigned>& cpus);
/// "23.4 GiB"; "512 MiB".
std::string in_words(std::uint64_t bytes);

}  // namespace shadowwalk::doctor
