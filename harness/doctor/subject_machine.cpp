#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "harness/doctor/finding.hpp"
#include "harness/measure/cgroup.hpp"
#include "harness/measure/memory.hpp"

namespace shadowwalk::doctor {
namespace {

Finding machine(const Host& host) {
  if (!is_virtual(host)) return ok("no hypervisor reported", "times are the hardware's own");
  const std::string& signature = host.live.hypervisor;
  return note(signature.empty() ? "virtual" : fmt::format("virtual, under {}", signature),
              "the host below may take CPUs away and move them to other cores: look at steal and spread");
}

Finding kernel(const Host& host) { return ok(host.live.kernel); }

Finding clock(const Host& host) {
  const std::string value = fmt::format("{}; a read costs {:.1f} ns", host.live.clock, host.live.clock_read_ns);
  if (host.live.clock_is_tsc) return ok(value, "every single-walk sample contains one read");
  return note(
      value, "the kernel's clock costs more than the TSC: compare bursts, not single walks",
      advise("it cannot be changed here: the CPU or its hypervisor has no invariant TSC that the kernel trusts"));
}

Finding steal(const Host& host) {
  std::istringstream line(host.files.read("/proc/stat").value_or(""));
  std::string label;
  std::uint64_t column = 0, ticks = 0, columns = 0;
  for (line >> label; columns < 8 && line >> column; ++columns) ticks = column;
  const bool is_told = label == "cpu" && columns == 8;
  if (!is_told) {
    return lack("not reported by /proc/stat", "time that other virtual machines took is not detected",
                advise("mount /proc, or upgrade the kernel"));
  }
  if (!is_virtual(host)) return ok("none: there is no host below");
  const double seconds = static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return ok(fmt::format("{:.1f} s since boot, all CPUs", seconds),
            ticks == 0 ? "none yet, or the host below does not report it" : "recorded for each cell");
}

Finding membarrier(const Host& host) {
  const std::string& reason = host.live.membarrier_unavailable;
  if (reason.empty()) return ok("private expedited");
  return lack(
      reason, "schemes with RCU or asymmetric fences are not measured",
      advise("upgrade the kernel to 4.14 or later, with CONFIG_MEMBARRIER; in a container, permit the system call"));
}

Finding system_calls(const Host& host) {
  const std::vector<DeniedCall>& denied = host.live.denied_calls;
  if (denied.empty()) return ok("none that is used here is denied");
  std::vector<std::string> calls, consequences;
  for (const DeniedCall& call : denied) {
    calls.push_back(fmt::format("{} ({})", call.name, call.how));
    consequences.push_back(fmt::format("{}: {}", call.name, call.consequence));
  }
  return lack(fmt::format("denied: {}", fmt::join(calls, ", ")), fmt::to_string(fmt::join(consequences, "; ")),
              advise("permit them in the seccomp profile of the container or service"));
}

Finding aslr(const Host& host) {
  constexpr std::int64_t kMostForThreadSanitizer = 28;
  const auto bits = host.files.read_number("/proc/sys/vm/mmap_rnd_bits");
  if (!bits) return ok("vm.mmap_rnd_bits not reported");
  const std::string value = fmt::format("{} random bits of an address", *bits);
  if (*bits <= kMostForThreadSanitizer) return ok(value);
  return note(value, "ThreadSanitizer builds by older compilers may not start; nothing else is affected",
              run(as_root(host, fmt::format("sysctl vm.mmap_rnd_bits={}", kMostForThreadSanitizer))));
}

constexpr const char* kCpu = "/sys/devices/system/cpu";

std::string sysfs(std::string_view name) { return fmt::format("{}/{}", kCpu, name); }

Finding cpus(const Host& host) {
  const std::vector<unsigned>& allowed = host.live.allowed_cpus;
  const std::string online = host.files.read(sysfs("online")).value_or("not reported");
  const std::string value = fmt::format("{} allowed: {} (online: {})", allowed.size(), cpu_list(allowed), online);
  if (allowed.size() >= 2) return ok(value);
  return lack(value, "walkers, zappers and reclaimers take turns on one CPU: contention cannot be observed",
              advise("give this process more CPUs (taskset, cpuset, a larger machine)"));
}

Finding quota(const Host& host) {
  const auto limit = cpu_quota(host.files);
  if (!limit) return ok("none");
  const std::string value = fmt::format("{:.2f} CPUs", limit->cpus);
  if (limit->cpus >= static_cast<double>(host.live.allowed_cpus.size())) return ok(value);
  return note(value, "below the CPUs allowed: busy threads are stopped in the middle of a window",
              run(write_as_root(host, limit->unlimited, limit->file)));
}

Finding isolation(const Host& host) {
  const std::string isolated = host.files.read(sysfs("isolated")).value_or("");
  const std::string no_ticks = host::nohz_full_cpus(host.files);
  const std::string value = fmt::format("isolcpus: {}; nohz_full: {}", isolated.empty() ? "none" : isolated,
                                        no_ticks.empty() ? "none" : no_ticks);
  if (!isolated.empty() && isolated == cpu_list(host.live.allowed_cpus)) {
    return ok(value, "this process runs on the isolated CPUs");
  }
  if (!isolated.empty()) {
    return note(value, "the scheduler places no tasks on isolated CPUs: request them",
                run(fmt::format("taskset -c {} shadowwalk run --out DIR", isolated)));
  }
  return note(value, "other tasks and timer ticks share the CPUs; cells record the effect",
              advise("boot with isolcpus=LIST nohz_full=LIST where tails matter"));
}

Finding smt(const Host& host) {
  const auto active = host.files.read_number(sysfs("smt/active"));
  if (!active) return ok("not reported");
  if (*active == 0) return ok("off", "each CPU is a core of its own");
  const bool can_be_off = host.files.read(sysfs("smt/control")).value_or("") == "on";
  return note("on", "siblings share a core: --placement auto uses whole cores first",
              can_be_off ? run(write_as_root(host, "off", sysfs("smt/control"))) : Mend());
}

Finding governor(const Host& host) {
  std::set<std::string> governors, drivers;
  for (const unsigned cpu : host.live.allowed_cpus) {
    const std::string folder = sysfs(fmt::format("cpu{}/cpufreq", cpu));
    if (const auto name = host.files.read(folder + "/scaling_governor")) governors.insert(*name);
    if (const auto name = host.files.read(folder + "/scaling_driver")) drivers.insert(*name);
  }
  if (governors.empty()) {
    return note(kNoCpufreq, "frequency cannot be set; cells record core_speed_change",
                advise(is_virtual(host) ? "it cannot be changed here: the host below sets frequencies"
                                        : "load a cpufreq driver, or fix the frequency in the firmware"));
  }
  const std::string value = fmt::format("{}{}", fmt::join(governors, ", "),
                                        drivers.empty() ? "" : fmt::format(" ({})", fmt::join(drivers, ", ")));
  if (governors == std::set<std::string>{"performance"}) return ok(value);
  return note(value, "frequency follows load: cells speed up while they warm up",
              run(fmt::format("echo performance | {}",
                              as_root(host, fmt::format("tee {}/cpu*/cpufreq/scaling_governor", kCpu)))));
}

Finding boost(const Host& host) {
  const std::string intel = sysfs("intel_pstate/no_turbo");
  const std::string generic = sysfs("cpufreq/boost");
  const auto no_turbo = host.files.read_number(intel);
  const auto may_boost = host.files.read_number(generic);
  if (!no_turbo && !may_boost) return ok("not reported");
  const bool is_on = no_turbo ? *no_turbo == 0 : *may_boost != 0;
  if (!is_on) return ok("off");
  return note("on", "a core's speed depends on how many are busy: it differs between vCPU counts",
              run(no_turbo ? write_as_root(host, "1", intel) : write_as_root(host, "0", generic)));
}

constexpr std::uint64_t kPlenty = std::uint64_t{2} << 30;

/// A value of /proc/meminfo.
std::optional<std::uint64_t> meminfo(const Host& host, std::string_view name) {
  return meminfo_bytes(host.files.read("/proc/meminfo").value_or(""), name);
}

Finding memory(const Host& host) {
  const auto available = meminfo(host, "MemAvailable");
  if (!available) {
    return lack("MemAvailable not reported", "the lab cannot determine how large a page pool may be",
                advise("mount /proc, or upgrade the kernel to 3.14 or later"));
  }
  const std::string value = fmt::format("{} available", in_words(*available));
  if (*available >= kPlenty) return ok(value);
  return note(value, "`leak` and long cells need more: they are refused past half of it",
              advise("end other processes, or take shorter cells and lower zap rates"));
}

Finding limit(const Host& host) {
  const auto limit = memory_limit(host.files);
  if (!limit) return ok("none");
  const std::string value = fmt::format("{} ({} used)", in_words(limit->bytes), in_words(limit->used_bytes));
  if (limit->left_bytes() >= meminfo(host, "MemAvailable").value_or(0)) return ok(value);
  return note(value, "below what the host has: cells that would take more than half of what is left are refused",
              run(write_as_root(host, limit->unlimited, limit->file)));
}

Finding numa(const Host& host) {
  const auto names = host.files.list("/sys/devices/system/node");
  const auto nodes = std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("node") && name.size() > 4 && name[4] >= '0' && name[4] <= '9';
  });
  if (nodes <= 1) return ok(nodes == 1 ? "1 node" : "not reported");
  return note(fmt::format("{} nodes", nodes),
              "the placement of threads and tables matters: choose it with --placement llc or numa");
}

Finding thp(const Host& host) {
  const std::string file = "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::string small = "the pool of shadow pages lies on small pages: more TLB misses";
  const std::string modes = host.files.read(file).value_or("");
  const std::size_t open = modes.find('['), close = modes.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) {
    return note("not reported", small, advise("a kernel with CONFIG_TRANSPARENT_HUGEPAGE"));
  }
  const std::string mode = modes.substr(open + 1, close - open - 1);
  if (mode != "never") return ok(mode, "the pool of shadow pages lies on huge pages");
  return note(mode, small, run(write_as_root(host, "madvise", file)));
}

Finding huge_pages(const Host& host) {
  const auto reserved = host.files.read_number("/proc/sys/vm/nr_hugepages");
  if (!reserved) return ok("not reported");
  if (*reserved == 0) return ok("0 reserved", "the lab uses transparent ones");
  return note(fmt::format("{} reserved", *reserved), "the lab does not use them: that memory is unavailable to it",
              run(as_root(host, "sysctl vm.nr_hugepages=0")));
}

Finding sec_page_tables(const Host& host) {
  const auto bytes = meminfo(host, "SecPageTables");
  if (bytes) return ok(fmt::format("{} KiB", *bytes / 1024), "KVM's own page tables");
  return lack("not reported", "the memory of KVM's own page tables is unknown",
              advise("upgrade the kernel to 6.1 or later"));
}

}  // namespace

std::vector<Finding> examine_machine(const Host& host) {
  return findings_of(host, {{"machine", machine},
                            {"kernel", kernel},
                            {"clock", clock},
                            {"steal", steal},
                            {"membarrier", membarrier},
                            {"system_calls", system_calls},
                            {"aslr", aslr}});
}

std::vector<Finding> examine_cpus(const Host& host) {
  return findings_of(host, {{"cpus", cpus},
                            {"cpu_quota", quota},
                            {"isolation", isolation},
                            {"smt", smt},
                            {"governor", governor},
                            {"boost", boost}});
}

std::vector<Finding> examine_memory(const Host& host) {
  return findings_of(host, {{"memory", memory},
                            {"memory_limit", limit},
                            {"numa", numa},
                            {"thp", thp},
                            {"huge_pages", huge_pages},
                            {"sec_page_tables", sec_page_tables}});
}

}  // namespace shadowwalk::doctor
