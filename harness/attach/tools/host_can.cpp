#include "harness/attach/tools/host_can.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/doctor/report.hpp"

namespace shadowwalk::tools {
namespace {

std::string with_mend(const std::string& what, const doctor::Mend& mend) {
  return mend.empty() ? what : fmt::format("{}: {}", what, mend.text());
}

class Answers {
 public:
  explicit Answers(const doctor::Host& host) : host_(host), report_(doctor::examine(host)) {}

  Lack program(const char* name, const char* package) const {
    const auto& tools = host_.live.tools;
    if (std::find(tools.begin(), tools.end(), name) != tools.end()) return {};
    return {
        fmt::format("{} is not on PATH: {}", name, doctor::as_root(host_, fmt::format("apt-get install {}", package))),
        false};
  }

  Lack bpftrace() const {
    const doctor::Finding& probes = report_.finding("usdt");
    if (probes.state == doctor::State::lack) return {with_mend(probes.value, probes.mend), false};
    if (const Lack missing = program("bpftrace", "bpftrace"); !missing.why.empty()) return missing;
    if (host_.live.is_root) return {};
    return {"bpftrace needs root: add --print, and run the command that it prints, which begins with sudo", true};
  }

  Lack sampling() const {
    if (doctor::perf_scope(host_) != doctor::PerfScope::none) return {};
    const doctor::Finding& paranoid = report_.finding("perf_event_paranoid");
    return {with_mend(fmt::format("perf_event_paranoid is {}, {}", paranoid.value, paranoid.meaning), paranoid.mend),
            !host_.live.is_root};
  }

  Lack tracepoints() const {
    for (const doctor::Ability& ability : report_.abilities) {
      if (ability.name != "tracepoints" || ability.verdict != doctor::Verdict::no) continue;
      return {with_mend(fmt::format("it needs the kernel's tracepoints, and {}", ability.how), ability.mend),
              !host_.live.is_root && ability.how.find("not mounted") == std::string::npos};
    }
    return {};
  }

  Lack memory_sampling() const {
    const doctor::Finding& memory = report_.finding("memory_sampling");
    if (memory.state != doctor::State::lack) return {};
    return {fmt::format(
                "{}, so no tool can see which cache line an access went to ({}); closest are the contention figures "
                "of `shadowwalk report`, which compare walks on N vCPUs with one vCPU, and --what cpu",
                memory.value, memory.mend.advice),
            false};
  }

 private:
  const doctor::Host& host_;
  const doctor::Report report_;
};

}  // namespace

HostCan host_can(const doctor::Host& host) {
  const Answers answers(host);
  HostCan can;
  can.perf = answers.program("perf", "linux-perf");
  can.bpftrace = answers.bpftrace();
  can.sampling = answers.sampling();
  can.tracepoints = can.kvm_tracepoints = answers.tracepoints();
  can.memory_sampling = answers.memory_sampling();
  can.cycles = host.live.pmu.unavailable.empty();
  can.kernel_side = doctor::perf_scope(host) >= doctor::PerfScope::own_threads;
  can.whole_host = doctor::perf_scope(host) == doctor::PerfScope::whole_host;
  can.kvm_systems = doctor::kvm_event_systems(host);
  if (can.kvm_tracepoints.why.empty() && can.kvm_systems.empty()) {
    can.kvm_tracepoints = {"this kernel has no kvm:* tracepoints: they come with KVM's module (modprobe kvm)", false};
  }
  return can;
}

}  // namespace shadowwalk::tools
