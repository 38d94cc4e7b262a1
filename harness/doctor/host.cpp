#include "harness/doctor/host.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "harness/host/processor.hpp"

namespace shadowwalk::doctor {

std::string as_root(const Host& host, std::string_view command) {
  return fmt::format("{}{}", host.live.is_root ? "" : "sudo ", command);
}

std::string write_as_root(const Host& host, std::string_view value, std::string_view path) {
  if (host.live.is_root) return fmt::format("echo {} > {}", value, path);
  return fmt::format("echo {} | sudo tee {}", value, path);
}

bool may_perf(const Host& host) {
  constexpr unsigned kSysAdmin = 21, kPerfmon = 38;
  const std::string effective = host.files.read_value("/proc/self/status", "CapEff");
  const std::uint64_t bits = std::strtoull(effective.c_str(), nullptr, 16);
  return ((bits >> kPerfmon | bits >> kSysAdmin) & 1) != 0;
}

PerfScope perf_scope(const Host& host) {
  const auto level = host.files.read_number("/proc/sys/kernel/perf_event_paranoid");
  if (!level) return PerfScope::none;
  if (may_perf(host) || *level < 1) return PerfScope::whole_host;
  if (*level == 1) return PerfScope::own_threads;
  return *level == 2 ? PerfScope::user_mode : PerfScope::none;
}

std::vector<std::string> kvm_event_systems(const Host& host) {
  std::vector<std::string> found;
  for (const char* mount : kTracefsMounts) {
    for (const char* system : {"kvm", "kvmmmu"}) {
      if (host.files.exists(fmt::format("{}/events/{}", mount, system))) found.emplace_back(system);
    }
    if (!found.empty()) break;
  }
  return found;
}

bool has_cpu_flag(const Host& host, std::string_view flag) { return host::has_cpu_flag(host.files, flag); }

bool is_virtual(const Host& host) { return host::is_virtual_machine(host.files, host.live.hypervisor); }

std::string cpu_list(const std::vector<unsigned>& cpus) {
  std::string list;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t end = i;
    while (end + 1 < cpus.size() && cpus[end + 1] == cpus[end] + 1) ++end;
    if (!list.empty()) list += ',';
    list += end == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[end]);
    i = end + 1;
  }
  return list;
}

std::string in_words(std::uint64_t bytes) {
  constexpr double kMiB = 1u << 20, kGiB = 1u << 30;
  const auto amount = static_cast<double>(bytes);
  return amount >= kGiB ? fmt::format("{:.1f} GiB", amount / kGiB) : fmt::format("{:.0f} MiB", amount / kMiB);
}

}  // namespace shadowwalk::doctor
