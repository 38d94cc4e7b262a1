#include "harness/doctor/host.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace shadowwalk::doctor {

namespace {

/// The value of a `key: value` line.
std::string line_of(const std::string& text, std::string_view key) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view line = std::string_view(text).substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !line.starts_with(key)) continue;
    const std::string_view between = line.substr(key.size(), colon - key.size());
    if (between.find_first_not_of(" \t") != std::string_view::npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
  }
  return {};
}

}  // namespace

std::string as_root(const Host& host, std::string_view command) {
  return fmt::format("{}{}", host.live.is_root ? "" : "sudo ", command);
}

std::string write_as_root(const Host& host, std::string_view value, std::string_view path) {
  if (host.live.is_root) return fmt::format("echo {} > {}", value, path);
  return fmt::format("echo {} | sudo tee {}", value, path);
}

bool may_perf(const Host& host) {
  constexpr unsigned kSysAdmin = 21, kPerfmon = 38;
  const std::string effective = line_of(host.files.read("/proc/self/status").value_or(""), "CapEff");
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

bool has_cpu_flag(const Host& host, std::string_view flag) {
  const std::string flags = " " + line_of(host.files.read("/proc/cpuinfo").value_or(""), "flags") + " ";
  return flags.find(fmt::format(" {} ", flag)) != std::string::npos;
}

bool is_virtual(const Host& host) {
  return !host.live.hypervisor.empty() || has_cpu_flag(host, "hypervisor") ||
         host.files.exists("/sys/firmware/devicetree/base/hypervisor");
}

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
