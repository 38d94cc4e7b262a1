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

Mend permit_counting(const Host& host) { return run(as_root(host, "sysctl kernel.perf_event_paranoid=1")); }

Mend mend_pmu(const Host& host) {
  if (has_core_pmu(host)) {
    const std::int64_t level = host.files.read_number(kParanoid).value_or(0);
    if (level > 2 && !may_perf(host)) return permit_counting(host);
    return advise(
        "permit perf_event_open (a container's seccomp filter may forbid it), or check what occupies the counters");
  }
  if (is_virtual(host)) {
    return advise(
        "it cannot be changed on this host, virtualised without a PMU: use bare metal or a VM with a vPMU "
        "(e.g. QEMU -cpu host,pmu=on)");
  }
  return advise("a kernel with a driver for this CPU's PMU, and no firmware setting that hides it");
}

Finding pmu(const Host& host) {
  const LiveFacts::Pmu& facts = host.live.pmu;
  std::string name = facts.name.empty() ? "libpfm4 does not know this CPU" : "libpfm4: " + facts.name;
  if (!facts.unavailable.empty()) {
    const std::string cpu = fmt::format("no hardware event can be counted ({}; {})", facts.microarchitecture, name);
    const std::string value = has_core_pmu(host) ? facts.unavailable : "no hardware PMU";
    return lack(value, cpu, mend_pmu(host));
  }
  std::string value = fmt::format("{}, {}", facts.microarchitecture, name);
  if (facts.counters > 0) value += fmt::format(", {} counters per thread", facts.counters);
  if (!facts.name.empty()) return ok(value, "more events than counters are multiplexed");
  return note(value, "only perf's generic events have names: cycles, instructions, cache-misses, ...",
              advise("a newer libpfm4"));
}

Finding rdpmc(const Host& host) {
  const LiveFacts::Pmu& facts = host.live.pmu;
  if (facts.rdpmc_unavailable.empty()) return ok("allowed", "bursts of walks are counted alone");
  const std::string meaning = "a thread's whole window is counted, the guest's own work included";
  if (!facts.unavailable.empty()) return lack("no PMU to read", meaning, mend_pmu(host));
  for (const char* name : {"cpu", "cpu_core"}) {
    const std::string file = fmt::format("{}/{}/rdpmc", kPmus, name);
    if (host.files.read_number(file) == 0) return lack("forbidden", meaning, run(write_as_root(host, "1", file)));
  }
  return lack(facts.rdpmc_unavailable, meaning, advise("it cannot be changed on this host"));
}

Finding paranoid(const Host& host) {
  const auto level = host.files.read_number(kParanoid);
  if (!level) {
    return lack("not reported", "the kernel has no perf events: nothing can be counted",
                advise("a kernel with CONFIG_PERF_EVENTS; in a container, mount /proc"));
  }
  if (may_perf(host)) return ok(fmt::format("{}, which CAP_PERFMON overrides", *level));
  const std::string value = fmt::format("{}", *level);
  const PerfScope scope = perf_scope(host);
  if (scope >= PerfScope::own_threads) return ok(value, "own threads: user and kernel, tracepoints too");
  const char* meaning = scope == PerfScope::user_mode
                            ? "own threads in user mode only: no kernel cycles, no tracepoints"
                            : "nothing can be counted without CAP_PERFMON";
  return lack(value, meaning, permit_counting(host));
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
  if (names.empty()) return lack("none reported", "no event of any kind has a name", advise("mount /sys"));
  return ok(shortened(names), "their events: --events pmu/event/");
}

/// What `perf c2c` and `perf mem` sample by: Intel's load latency, AMD's IBS, Arm's SPE.
Finding memory_sampling(const Host& host) {
  const std::string meaning = "perf c2c and perf mem cannot show which cache lines move between CPUs";
  for (const std::string& name : host.files.list(kPmus)) {
    const bool samples = name == "ibs_op" || name.starts_with("arm_spe") ||
                         host.files.exists(fmt::format("{}/{}/events/mem-loads", kPmus, name));
    if (samples) return ok(name, "perf c2c");
  }
  return lack("no event samples memory accesses", meaning,
              has_core_pmu(host) ? advise("a CPU and kernel with Intel PEBS load latency, AMD IBS or Arm SPE")
                                 : mend_pmu(host));
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
      return lack(fmt::format("{} is closed to this user", mount), meaning,
                  run(as_root(host, fmt::format("mount -o remount,mode=750,gid=$(id -g) {}", mount))));
    }
    const std::string systems = fmt::format("{}", fmt::join(kvm_event_systems(host), ", "));
    return ok(fmt::format("{}; {}", mount, systems.empty() ? "no kvm events" : systems + " events"),
              systems.empty() ? "KVM's events come with its module" : "");
  }
  if (knows_tracefs(host)) {
    return lack(
        "tracefs is not mounted", meaning,
        run(as_root(host, fmt::format("mount -t tracefs{} nodev {}",
                                      host.live.is_root ? "" : " -o mode=750,gid=$(id -g)", kTracefsMounts[0]))));
  }
  return lack("no tracefs in this kernel", meaning, advise("a kernel with CONFIG_FTRACE"));
}

Finding usdt(const Host& host) {
  const std::vector<std::string>& probes = host.live.probes;
  if (probes.empty()) {
    return lack("no probe in this executable", "perf and bpftrace find nothing to attach to",
                advise("build with systemtap-sdt-dev, and do not strip the executable's notes"));
  }
  return ok(fmt::format("{} probe{}", probes.size(), probes.size() == 1 ? "" : "s"),
            fmt::format("{}", fmt::join(probes, " ")));
}

Finding tools(const Host& host) {
  std::string missing;
  const std::vector<std::string>& found = host.live.tools;
  for (const std::string tool : kTools) {
    if (std::find(found.begin(), found.end(), tool) != found.end()) continue;
    missing += tool == "perf" ? " linux-perf" : " " + tool;
  }
  const std::string value = found.empty() ? "neither perf nor bpftrace" : fmt::format("{}", fmt::join(found, ", "));
  if (missing.empty()) return ok(value);
  const Mend mend = run(as_root(host, "apt-get install" + missing));
  if (found.empty()) return lack(value, "they attach to a run in progress", mend);
  return note(value + " only", "they attach to a run in progress", mend);
}

}  // namespace

std::vector<Finding> examine_counting(const Host& host) {
  return findings_of(host, {{"pmu", pmu},
                            {"rdpmc", rdpmc},
                            {"perf_event_paranoid", paranoid},
                            {"memory_sampling", memory_sampling},
                            {"perf_pmus", perf_pmus}});
}

std::vector<Finding> examine_tracing(const Host& host) {
  return findings_of(host, {{"tracefs", tracefs}, {"usdt", usdt}, {"tools", tools}});
}

}  // namespace shadowwalk::doctor
