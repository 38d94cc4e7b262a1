#include "harness/attach/tools/host_can.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/doctor/report.hpp"
#include "harness/machine/check.hpp"

namespace shadowwalk::tools {
namespace {

std::string with_mend(const std::string& what, const doctor::Mend& mend) {
  if (!mend.command.empty()) return fmt::format("{}: {}", what, mend.command);
  return mend.advice.empty() ? what : fmt::format("{}: {}", what, mend.advice);
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
    const doctor::Finding& probes = finding("usdt");
    if (probes.state == doctor::State::lack) return {with_mend(probes.value, probes.mend), false};
    if (const Lack missing = program("bpftrace", "bpftrace"); !missing.why.empty()) return missing;
    if (host_.live.is_root) return {};
    return {"bpftrace needs root: add --print, and run the command that it prints, which begins with sudo", true};
  }

  Lack sampling() const {
    if (doctor::perf_scope(host_) != doctor::PerfScope::none) return {};
    return lack_of(finding("perf_event_paranoid"), "perf_event_paranoid is ");
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
    const doctor::Finding& memory = finding("memory_sampling");
    if (memory.state != doctor::State::lack) return {};
    return {fmt::format(
                "{}, so no tool can see which cache line an access went to ({}); closest are the contention figures "
                "of `shadowwalk report`, which compare walks on N vCPUs with one vCPU, and --what cpu",
                memory.value, memory.mend.advice),
            false};
  }

  bool counts_cycles() const { return host_.live.pmu.unavailable.empty(); }

 private:
  const doctor::Finding& finding(std::string_view subject) const {
    for (const doctor::Section& section : report_.sections) {
      for (const doctor::Finding& candidate : section.findings) {
        if (candidate.subject == subject) return candidate;
      }
    }
    SHADOWWALK_CHECK(false, "the doctor has no finding for this subject");
    return report_.sections.front().findings.front();
  }

  Lack lack_of(const doctor::Finding& found, std::string_view before) const {
    if (found.state != doctor::State::lack) return {};
    return {with_mend(fmt::format("{}{}, {}", before, found.value, found.meaning), found.mend), !host_.live.is_root};
  }

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
  can.cycles = answers.counts_cycles();
  can.kernel_side = doctor::perf_scope(host) >= doctor::PerfScope::own_threads;
  can.whole_host = doctor::perf_scope(host) == doctor::PerfScope::whole_host;
  can.kvm_systems = doctor::kvm_event_systems(host);
  if (can.kvm_tracepoints.why.empty() && can.kvm_systems.empty()) {
    can.kvm_tracepoints = {"this kernel has no kvm:* tracepoints: they come with KVM's module (modprobe kvm)", false};
  }
  return can;
}

}  // namespace shadowwalk::tools
