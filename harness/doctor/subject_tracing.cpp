#include <fmt/format.h>

#include <algorithm>

#include "harness/doctor/subjects.hpp"

namespace shadowwalk::doctor {
namespace {

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
          "what attaches to a run while it goes on",
          {as_root(host, "apt-get install" + missing), ""}};
}

}  // namespace

std::vector<Finding> examine_tracing(const Host& host) { return {tracefs(host), usdt(host), tools(host)}; }

}  // namespace shadowwalk::doctor
