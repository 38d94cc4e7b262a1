#include "harness/measure/pmu/open_failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "harness/measure/pmu/sysfs_pmu.hpp"

namespace shadowwalk::pmu {
namespace {

constexpr const char* kNoPmu =
    "no hardware PMU here (virtualised away, or not driven by this kernel): use bare metal, or a VM with a virtual PMU "
    "(QEMU: -cpu host,pmu=on)";

std::string not_permitted(int error, const EncodedEvent& event, const OpenFacts& facts) {
  const int needed = paranoid_needed(event);
  if (!facts.paranoid) {
    return fmt::format(
        "not permitted, and kernel.perf_event_paranoid cannot be read: `sysctl kernel.perf_event_paranoid={}` "
        "or CAP_PERFMON",
        needed);
  }
  if (*facts.paranoid > needed) {
    return fmt::format(
        "not permitted: kernel.perf_event_paranoid is {}; `sysctl kernel.perf_event_paranoid={}` or "
        "CAP_PERFMON{}",
        *facts.paranoid, needed,
        event.kind == EventKind::core && !event.attributes.exclude_kernel ? ", or count user code only (:u)" : "");
  }
  return fmt::format(
      "not permitted ({}), although kernel.perf_event_paranoid is {}: a container's seccomp profile or a "
      "security module forbids perf_event_open",
      std::strerror(error), *facts.paranoid);
}

std::string explain_invalid(const EncodedEvent& event) {
  switch (event.kind) {
    case EventKind::device:
      return "the PMU refuses this for one thread (EINVAL): it counts CPUs only, takes no modifiers, or only samples";
    case EventKind::core:
      return "the PMU refuses these settings (EINVAL): a wrong unit mask, or a modifier that this CPU cannot filter by";
    default:
      return "the kernel refuses these settings (EINVAL)";
  }
}

}  // namespace

OpenFacts open_facts(const SystemPaths& paths) {
  OpenFacts facts;
  facts.has_core_pmu = has_core_pmu(paths);
  std::ifstream file(paths.paranoid);
  if (int level = 0; file >> level) facts.paranoid = level;
  return facts;
}

int paranoid_needed(const EncodedEvent& event) { return event.attributes.exclude_kernel ? 2 : 1; }

std::string explain_open_failure(int error, const EncodedEvent& event, const OpenFacts& facts) {
  const bool core = event.kind == EventKind::core;
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return core && !facts.has_core_pmu ? kNoPmu : "this PMU has no such event";
    case EOPNOTSUPP:
      return core && !facts.has_core_pmu ? kNoPmu : "this PMU cannot count that (no hardware support)";
    case EACCES:
    case EPERM:
      return not_permitted(error, event, facts);
    case EINVAL:
      return explain_invalid(event);
    case EMFILE:
      return "no file descriptor left in this process: `ulimit -n` raises the limit, fewer events or vCPUs need less";
    case ENFILE:
      return "no file descriptor left on this system: `sysctl fs.file-max`";
    case EBUSY:
      return "another user has the PMU for itself (a pinned or exclusive event): end that perf session";
    case ENOSPC:
      return "no hardware slot left (breakpoints): others hold them all";
    case ENOSYS:
      return "this kernel has no perf_event_open (CONFIG_PERF_EVENTS), or a container hides it";
    default:
      return fmt::format("perf_event_open: {}", std::strerror(error));
  }
}

}  // namespace shadowwalk::pmu
