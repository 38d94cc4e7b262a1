#include <fmt/format.h>

#include "harness/doctor/report.hpp"

namespace shadowwalk::doctor {
namespace {

class Conclusion {
 public:
  Conclusion(const Report& report, const Host& host) : report_(report), host_(host) {}

  /// An ability that depends on one finding. `how`: used if there is no lack; `why_not`: if there is (default: its
  /// value).
  Ability follows(std::string name, std::string_view subject, std::string how = {}, std::string why_not = {}) const {
    const Finding& cause = finding(subject);
    if (cause.state == State::lack)
      return {std::move(name), Verdict::no, why_not.empty() ? cause.value : why_not, cause.mend};
    return {std::move(name), Verdict::yes, how.empty() ? cause.value : how, {}};
  }

  Ability walk_latency() const {
    const Finding& clock = finding("clock");
    if (lacks("cpus"))
      return {"walk_latency", Verdict::partly, "one CPU: walks and zaps take turns", finding("cpus").mend};
    if (clock.state != State::ok) return {"walk_latency", Verdict::partly, clock.meaning, clock.mend};
    return {"walk_latency", Verdict::yes, clock.value, {}};
  }

  Ability tracepoints() const {
    if (lacks("tracefs")) return follows("tracepoints", "tracefs");
    const Finding& paranoid = finding("perf_event_paranoid");
    return follows("tracepoints", "perf_event_paranoid", finding("tracefs").value,
                   fmt::format("perf_event_paranoid is {}: {}", paranoid.value, paranoid.meaning));
  }

  Ability usdt() const {
    if (lacks("usdt")) return follows("usdt", "usdt");
    if (lacks("tools")) return follows("usdt", "tools");
    const std::string tools = fmt::format("{}", fmt::join(host_.live.tools, " or "));
    const char* as_root = host_.live.is_root ? "" : " as root";
    return {"usdt", Verdict::yes, fmt::format("{}, by {}{}", finding("usdt").value, tools, as_root), {}};
  }

  Ability cacheline_contention() const {
    const LiveFacts::Pmu& pmu = host_.live.pmu;
    if (lacks("cpus"))
      return {"cacheline_contention", Verdict::no, "one CPU: no cache line moves", finding("cpus").mend};
    if (pmu.unavailable.empty() && pmu.has_contention_set) {
      return {"cacheline_contention", Verdict::yes, "--events contention, and the estimate beside it", {}};
    }
    const std::string estimate = "an estimate: walks on N vCPUs less those on 1, over a line's transfer cost at N = 2";
    if (!pmu.unavailable.empty()) return {"cacheline_contention", Verdict::partly, estimate, finding("pmu").mend};
    return {"cacheline_contention", Verdict::partly, estimate + "; no known event of this CPU counts it",
            advise("choose events yourself: --events")};
  }

  Ability frequency() const {
    const Finding& governor = finding("governor");
    if (governor.value == kNoCpufreq) {
      return {"frequency", Verdict::partly, "changes are detected (core_speed_change) but cannot be prevented",
              governor.mend};
    }
    return {"frequency", Verdict::yes, "changes are detected (core_speed_change); governor: " + governor.value,
            governor.mend};
  }

  /// The first lack on the way to a loaded module is what must be mended.
  Ability kernel_cells() const {
    Ability ability = follows("kernel_cells", "kernel_module");
    if (ability.verdict == Verdict::yes) return ability;
    for (const char* subject : {"module_loading", "kernel_build"}) {
      if (lacks(subject)) return follows("kernel_cells", subject);
    }
    return ability;
  }

  Ability kernel_vm_cells() const {
    for (const char* subject : {"qemu", "kernel_images"}) {
      if (lacks(subject)) return follows("kernel_vm_cells", subject);
    }
    const Finding& qemu = finding("qemu");
    if (qemu.state != State::ok) return {"kernel_vm_cells", Verdict::partly, qemu.meaning, qemu.mend};
    return follows("kernel_vm_cells", "qemu");
  }

 private:
  const Finding& finding(std::string_view subject) const { return report_.finding(subject); }
  bool lacks(std::string_view subject) const { return finding(subject).state == State::lack; }

  const Report& report_;
  const Host& host_;
};

}  // namespace

std::vector<Ability> abilities(const Report& report, const Host& host) {
  const Conclusion conclusion(report, host);
  return {conclusion.walk_latency(),
          conclusion.cacheline_contention(),
          conclusion.follows("pmu_counts", "pmu"),
          conclusion.follows("per_walk_rdpmc", "rdpmc"),
          conclusion.tracepoints(),
          conclusion.usdt(),
          conclusion.follows("kvm_guests", "kvm", report.finding("kvm_kind").value),
          conclusion.follows("kvm_statistics", "kvm_statistics"),
          conclusion.frequency(),
          conclusion.follows("steal", "steal"),
          conclusion.kernel_cells(),
          conclusion.kernel_vm_cells()};
}

}  // namespace shadowwalk::doctor
