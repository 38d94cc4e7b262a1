#include "harness/measure/cgroup.hpp"

#include <sstream>
#include <string_view>
#include <vector>

namespace shadowwalk {

using os::HostFiles;

namespace {

constexpr std::string_view kRoot = "/sys/fs/cgroup";

/// A hierarchy's mount point and this process's group in it, from a line `number:controllers:path` of
/// /proc/self/cgroup; an empty controller is version 2.
struct Hierarchy {
  std::string mount;
  std::string group;
};

std::optional<Hierarchy> hierarchy_of(const HostFiles& files, std::string_view controller) {
  std::istringstream lines(files.read("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controller.empty()) {
      if (controllers.empty()) return Hierarchy{std::string(kRoot), group};
    } else if (("," + controllers + ",").find("," + std::string(controller) + ",") != std::string::npos) {
      return Hierarchy{std::string(kRoot) + "/" + std::string(controller), group};
    }
  }
  return std::nullopt;
}

/// `name` in the group's folder and its ancestors, up to the mount. A container may see its group mounted as the root
/// although its path is given as the host names it: the mount itself is always included.
std::vector<std::string> candidates(const Hierarchy& hierarchy, std::string_view name) {
  std::vector<std::string> files;
  std::string group = hierarchy.group == "/" ? "" : hierarchy.group;
  for (;;) {
    files.push_back(hierarchy.mount + group + "/" + std::string(name));
    if (group.empty()) return files;
    const std::size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

std::string beside(const std::string& file, std::string_view name) {
  return file.substr(0, file.rfind('/') + 1) + std::string(name);
}

/// Of lines `key value`; 0 if there is no such line.
std::int64_t value_of_line(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  std::string name;
  for (std::int64_t value = 0; lines >> name >> value;) {
    if (name == key) return value;
  }
  return 0;
}

}  // namespace

std::optional<CpuQuota> cpu_quota(const HostFiles& files) {
  std::optional<CpuQuota> tightest;
  const auto consider = [&](const CpuQuota& quota) {
    if (!tightest || quota.cpus < tightest->cpus) tightest = quota;
  };
  if (const auto second = hierarchy_of(files, "")) {
    for (const std::string& file : candidates(*second, "cpu.max")) {
      std::istringstream text(files.read(file).value_or(""));
      double quota = 0, period = 0;
      if (text >> quota >> period && quota > 0 && period > 0) consider({quota / period, file, "max"});
    }
  }
  if (const auto first = hierarchy_of(files, "cpu")) {
    for (const std::string& file : candidates(*first, "cpu.cfs_quota_us")) {
      const auto quota = files.read_number(file);
      const auto period = files.read_number(beside(file, "cpu.cfs_period_us"));
      if (quota && period && *quota > 0 && *period > 0) {
        consider({static_cast<double>(*quota) / static_cast<double>(*period), file, "-1"});
      }
    }
  }
  return tightest;
}

std::optional<MemoryLimit> memory_limit(const HostFiles& files) {
  std::optional<MemoryLimit> tightest;
  const auto consider = [&](const std::string& file, std::string_view usage, std::string_view droppable,
                            std::string_view unlimited) {
    constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;  // version 1 writes a number near 2^63 for it
    const auto bytes = files.read_number(file);               // not a number: "max"
    if (!bytes || *bytes < 0 || *bytes >= kNoLimit) return;
    const std::int64_t used = files.read_number(beside(file, usage)).value_or(0) -
                              value_of_line(files.read(beside(file, "memory.stat")).value_or(""), droppable);
    const MemoryLimit limit{static_cast<std::uint64_t>(*bytes),
                            static_cast<std::uint64_t>(std::max<std::int64_t>(used, 0)), file, std::string(unlimited)};
    if (!tightest || limit.left_bytes() < tightest->left_bytes()) tightest = limit;
  };
  if (const auto second = hierarchy_of(files, "")) {
    for (const char* name : {"memory.max", "memory.high"}) {
      for (const std::string& file : candidates(*second, name))
        consider(file, "memory.current", "inactive_file", "max");
    }
  }
  if (const auto first = hierarchy_of(files, "memory")) {
    for (const std::string& file : candidates(*first, "memory.limit_in_bytes")) {
      consider(file, "memory.usage_in_bytes", "total_inactive_file", "-1");
    }
  }
  return tightest;
}

}  // namespace shadowwalk
