#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/doctor/finding.hpp"

namespace shadowwalk::doctor {
namespace {

constexpr const char* kPmus = "/sys/bus/event_source/devices";
constexpr const char* kParanoid = "/proc/sys/kernel/perf_event_paranoid";

bool is_core_pmu(std::string_view name) {
  return name == "cpu" || name == "cpu_core" || name == "cpu_atom" || name.starts_with("armv");
}

bool has_core_pmu(const Host& host) {
  const std::vector<std::string> names = host.files.list(kPmus);
  return std::any_of(names.begin(), names.end(), is_core_pmu);
}

Mend permit_counting(const Host& host) { return {as_root(host, "sysctl kernel.perf_event_paranoid=1"), ""}; }

Mend mend_pmu(const Host& host) {
  if (has_core_pmu(host)) {
    const std::int64_t level = host.files.read_number(kParanoid).value_or(0);
    if (level > 2 && !may_perf(host)) return permit_counting(host);
    return {"",
            "permit perf_event_open (a container's seccomp filter may forbid it), or check what occupies the counters"};
  }
  if (is_virtual(host)) {
    return {"",
            "it cannot be changed on this host, virtualised without a PMU: use bare metal or a VM with a vPMU "
            "(e.g. QEMU -cpu host,pmu=on)"};
  }
  return {"", "a kernel with a driver for this CPU's PMU, and no firmware setting that hides it"};
}

Finding pmu(const Host& host) {
  const LiveFacts::Pmu& facts = host.live.pmu;
  std::string name = facts.name.empty() ? "libpfm4 does not know this CPU" : "libpfm4: " + facts.name;
  if (!facts.unavailable.empty()) {
    const std::string cpu = fmt::format("no hardware event can be counted ({}; {})", facts.microarchitecture, name);
    const std::string value = has_core_pmu(host) ? facts.unavailable : "no hardware PMU";
    return {"pmu", State::lack, value, cpu, mend_pmu(host)};
  }
  std::string value = fmt::format("{}, {}", facts.microarchitecture, name);
  if (facts.counters > 0) value += fmt::format(", {} counters per thread", facts.counters);
  if (!facts.name.empty()) return {"pmu", State::ok, value, "more events than counters are multiplexed", {}};
  return {"pmu",
          State::note,
          value,
          "only perf's generic events have names: cycles, instructions, cache-misses, ...",
          {"", "a newer libpfm4"}};
}

Finding rdpmc(const Host& host) {
  const LiveFacts::Pmu& facts = host.live.pmu;
  if (facts.rdpmc_unavailable.empty()) return {"rdpmc", State::ok, "allowed", "bursts of walks are counted alone", {}};
  const std::string meaning = "a thread's whole window is counted, the guest's own work included";
  if (!facts.unavailable.empty()) return {"rdpmc", State::lack, "no PMU to read", meaning, mend_pmu(host)};
  for (const char* name : {"cpu", "cpu_core"}) {
    const std::string file = fmt::format("{}/{}/rdpmc", kPmus, name);
    if (host.files.read_number(file) == 0) {
      return {"rdpmc", State::lack, "forbidden", meaning, {write_as_root(host, "1", file), ""}};
    }
  }
  return {"rdpmc", State::lack, facts.rdpmc_unavailable, meaning, {"", "it cannot be changed on this host"}};
}

Finding paranoid(const Host& host) {
  const auto level = host.files.read_number(kParanoid);
  if (!level) {
    return {"perf_event_paranoid",
            State::lack,
            "not reported",
            "the kernel has no perf events: nothing can be counted",
            {"", "a kernel with CONFIG_PERF_EVENTS; in a container, mount /proc"}};
  }
  if (may_perf(host)) {
    return {"perf_event_paranoid", State::ok, fmt::format("{}, which CAP_PERFMON overrides", *level), "", {}};
  }
  const std::string value = fmt::format("{}", *level);
  const PerfScope scope = perf_scope(host);
  if (scope >= PerfScope::own_threads)
    return {"perf_event_paranoid", State::ok, value, "own threads: user and kernel, tracepoints too", {}};
  const char* meaning = scope == PerfScope::user_mode
                            ? "own threads in user mode only: no kernel cycles, no tracepoints"
                            : "nothing can be counted without CAP_PERFMON";
  return {"perf_event_paranoid", State::lack, value, meaning, permit_counting(host)};
}

/// uncore_imc_0, uncore_imc_1, ... as "uncore_imc x2".
std::string shortened(const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::string>> families;
  for (const std::string& name : names) {
    const std::size_t stem = name.find_last_not_of("0123456789") + 1;
    families[name.substr(0, name[stem - 1] == '_' ? stem - 1 : stem)].push_back(name);
  }
  std::string text;
  for (const auto& [stem, members] : families) {
    if (!text.empty()) text += ", ";
    text += members.size() == 1 ? members.front() : fmt::format("{} x{}", stem, members.size());
  }
  return text;
}

Finding perf_pmus(const Host& host) {
  const std::vector<std::string> names = host.files.list(kPmus);
  if (names.empty()) {
    return {"perf_pmus", State::lack, "none reported", "no event of any kind has a name", {"", "mount /sys"}};
  }
  return {"perf_pmus", State::ok, shortened(names), "their events: --events pmu/event/", {}};
}

/// What `perf c2c` and `perf mem` sample by: Intel's load latency, AMD's IBS, Arm's SPE.
Finding memory_sampling(const Host& host) {
  const std::string meaning = "perf c2c and perf mem cannot show which cache lines move between CPUs";
  for (const std::string& name : host.files.list(kPmus)) {
    const bool samples = name == "ibs_op" || name.starts_with("arm_spe") ||
                         host.files.exists(fmt::format("{}/{}/events/mem-loads", kPmus, name));
    if (samples) return {"memory_sampling", State::ok, name, "perf c2c", {}};
  }
  return {"memory_sampling", State::lack, "no event samples memory accesses", meaning,
          has_core_pmu(host) ? Mend{"", "a CPU and kernel with Intel PEBS load latency, AMD IBS or Arm SPE"}
                             : mend_pmu(host)};
}

bool knows_tracefs(const Host& host) {
  const std::string types = host.files.read("/proc/filesystems").value_or("") + "\n";
  return types.find("\ttracefs\n") != std::string::npos;
}

Finding tracefs(const Host& host) {
  const std::string meaning = "kvm:* and kvmmmu:* events cannot be counted";
  for (const char* mount : kTracefsMounts) {
    const std::string events = std::string(mount) + "/events";
    const bool is_closed = host.files.is_closed(mount) || host.files.is_closed(events);
    if (!is_closed && !host.files.exists(events)) continue;
    // Since Linux 5.15 an event's id is for root (and tracefs's group), even where its folder is open.
    const std::string id = events + "/sched/sched_switch/id";
    if (is_closed || (host.files.exists(id) && !host.files.read(id))) {
      return {"tracefs",
              State::lack,
              fmt::format("{} is closed to this user", mount),
              meaning,
              {as_root(host, fmt::format("mount -o remount,mode=750,gid=$(id -g) {}", mount)), ""}};
    }
    const std::string systems = fmt::format("{}", fmt::join(kvm_event_systems(host), ", "));
    return {"tracefs",
            State::ok,
            fmt::format("{}; {}", mount, systems.empty() ? "no kvm events" : systems + " events"),
            systems.empty() ? "KVM's events come with its module" : "",
            {}};
  }
  if (knows_tracefs(host)) {
    return {"tracefs",
            State::lack,
            "tracefs is not mounted",
            meaning,
            {as_root(host, fmt::format("mount -t tracefs{} nodev {}",
                                       host.live.is_root ? "" : " -o mode=750,gid=$(id -g)", kTracefsMounts[0])),
             ""}};
  }
  return {"tracefs", State::lack, "no tracefs in this kernel", meaning, {"", "a kernel with CONFIG_FTRACE"}};
}

Finding usdt(const Host& host) {
  const std::vector<std::string>& probes = host.live.probes;
  if (probes.empty()) {
    return {"usdt",
            State::lack,
            "no probe in this executable",
            "perf and bpftrace find nothing to attach to",
            {"", "build with systemtap-sdt-dev, and do not strip the executable's notes"}};
  }
  return {"usdt",
          State::ok,
          fmt::format("{} probe{}", probes.size(), probes.size() == 1 ? "" : "s"),
          fmt::format("{}", fmt::join(probes, " ")),
          {}};
}

Finding tools(const Host& host) {
  std::string missing;
  const std::vector<std::string>& found = host.live.tools;
  for (const std::string tool : kTools) {
    if (std::find(found.begin(), found.end(), tool) != found.end()) continue;
    missing += tool == "perf" ? " linux-perf" : " " + tool;
  }
  const std::string value = found.empty() ? "neither perf nor bpftrace" : fmt::format("{}", fmt::join(found, ", "));
  if (missing.empty()) return {"tools", State::ok, value, "", {}};
  return {"tools",
          found.empty() ? State::lack : State::note,
          found.empty() ? value : value + " only",
          "they attach to a run in progress",
          {as_root(host, "apt-get install" + missing), ""}};
}

}  // namespace

std::vector<Finding> examine_counting(const Host& host) {
  return {pmu(host), rdpmc(host), paranoid(host), memory_sampling(host), perf_pmus(host)};
}

std::vector<Finding> examine_tracing(const Host& host) { return {tracefs(host), usdt(host), tools(host)}; }

}  // namespace shadowwalk::doctor
