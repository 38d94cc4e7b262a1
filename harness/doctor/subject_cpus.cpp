#include <fmt/format.h>

#include <set>

#include "harness/doctor/cgroup.hpp"
#include "harness/doctor/subjects.hpp"

namespace shadowwalk::doctor {
namespace {

constexpr const char* kCpu = "/sys/devices/system/cpu";

std::string sysfs(std::string_view name) { return fmt::format("{}/{}", kCpu, name); }

Finding cpus(const Host& host) {
  const std::vector<unsigned>& allowed = host.live.allowed_cpus;
  const std::string online = host.files.read(sysfs("online")).value_or("not told");
  const std::string value = fmt::format("{} allowed: {} (online: {})", allowed.size(), cpu_list(allowed), online);
  if (allowed.size() >= 2) return {"cpus", State::ok, value, "", {}};
  return {"cpus",
          State::lack,
          value,
          "walkers, zappers and reclaimers take turns: no contention is to be seen",
          {"", "give this process more CPUs (taskset, cpuset, a larger machine)"}};
}

Finding quota(const Host& host) {
  const auto limit = cpu_quota(host.files);
  if (!limit) return {"cpu_quota", State::ok, "none", "", {}};
  const std::string value = fmt::format("{:.2f} CPUs", limit->cpus);
  if (limit->cpus >= static_cast<double>(host.live.allowed_cpus.size())) return {"cpu_quota", State::ok, value, "", {}};
  return {"cpu_quota",
          State::note,
          value,
          "below the CPUs allowed: busy threads are stopped in the middle of a window",
          {write_as_root(host, limit->unlimited, limit->file), ""}};
}

Finding isolation(const Host& host) {
  const std::string isolated = host.files.read(sysfs("isolated")).value_or("");
  const std::string no_ticks = host.files.read(sysfs("nohz_full")).value_or("");
  const bool has_no_ticks = !no_ticks.empty() && no_ticks != "(null)";
  const std::string value = fmt::format("isolcpus: {}; nohz_full: {}", isolated.empty() ? "none" : isolated,
                                        has_no_ticks ? no_ticks : "none");
  if (!isolated.empty() && isolated == cpu_list(host.live.allowed_cpus)) {
    return {"isolation", State::ok, value, "this process runs on the isolated CPUs", {}};
  }
  if (!isolated.empty()) {
    return {"isolation",
            State::note,
            value,
            "the scheduler puts nothing onto isolated CPUs: ask for them",
            {fmt::format("taskset -c {} shadowwalk run --out DIR", isolated), ""}};
  }
  return {"isolation",
          State::note,
          value,
          "other tasks and timer ticks share the CPUs; cells record what that cost",
          {"", "boot with isolcpus=LIST nohz_full=LIST where tails matter"}};
}

Finding smt(const Host& host) {
  const auto active = host.files.read_number(sysfs("smt/active"));
  if (!active) return {"smt", State::ok, "not told", "", {}};
  if (*active == 0) return {"smt", State::ok, "off", "each CPU is a core of its own", {}};
  Mend mend;
  if (host.files.read(sysfs("smt/control")).value_or("") == "on") {
    mend.command = write_as_root(host, "off", sysfs("smt/control"));
  }
  return {"smt", State::note, "on", "siblings share a core: --placement auto takes whole cores first", mend};
}

Finding governor(const Host& host) {
  std::set<std::string> governors, drivers;
  for (const unsigned cpu : host.live.allowed_cpus) {
    const std::string folder = sysfs(fmt::format("cpu{}/cpufreq", cpu));
    if (const auto name = host.files.read(folder + "/scaling_governor")) governors.insert(*name);
    if (const auto name = host.files.read(folder + "/scaling_driver")) drivers.insert(*name);
  }
  if (governors.empty()) {
    Mend mend;
    mend.advice = is_virtual(host) ? "nothing mends it here: the host below sets frequencies"
                                   : "load a cpufreq driver, or fix the frequency in the firmware";
    return {"governor", State::note, kNoCpufreq, "frequency cannot be set; cells record core_speed_change", mend};
  }
  const std::string value = fmt::format("{}{}", fmt::join(governors, ", "),
                                        drivers.empty() ? "" : fmt::format(" ({})", fmt::join(drivers, ", ")));
  if (governors == std::set<std::string>{"performance"}) return {"governor", State::ok, value, "", {}};
  return {"governor",
          State::note,
          value,
          "frequency follows load: cells speed up while they warm up",
          {host.live.is_root ? fmt::format("echo performance | tee {}/cpu*/cpufreq/scaling_governor", kCpu)
                             : fmt::format("echo performance | sudo tee {}/cpu*/cpufreq/scaling_governor", kCpu),
           ""}};
}

Finding boost(const Host& host) {
  const std::string intel = sysfs("intel_pstate/no_turbo");
  const std::string generic = sysfs("cpufreq/boost");
  const auto no_turbo = host.files.read_number(intel);
  const auto may_boost = host.files.read_number(generic);
  if (!no_turbo && !may_boost) return {"boost", State::ok, "not told", "", {}};
  const bool is_on = no_turbo ? *no_turbo == 0 : *may_boost != 0;
  if (!is_on) return {"boost", State::ok, "off", "", {}};
  return {"boost",
          State::note,
          "on",
          "a core's speed depends on how many are busy: it differs between vCPU counts",
          {no_turbo ? write_as_root(host, "1", intel) : write_as_root(host, "0", generic), ""}};
}

}  // namespace

std::vector<Finding> examine_cpus(const Host& host) {
  return {cpus(host), quota(host), isolation(host), smt(host), governor(host), boost(host)};
}

}  // namespace shadowwalk::doctor
