#include "harness/doctor/ability.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/doctor/finding.hpp"
#include "harness/machine/check.hpp"

namespace shadowwalk::doctor {
namespace {

class Conclusion {
 public:
  Conclusion(const std::vector<Finding>& findings, const Host& host) : findings_(findings), host_(host) {}

  Ability walk_latency() const {
    const Finding& clock = finding("clock");
    if (lacks("cpus"))
      return {"walk_latency", Verdict::partly, "one CPU: walks and zaps take turns", finding("cpus").mend};
    if (clock.state != State::ok) return {"walk_latency", Verdict::partly, clock.meaning, clock.mend};
    return {"walk_latency", Verdict::yes, clock.value, {}};
  }

  Ability pmu_counts() const { return follows("pmu_counts", "pmu"); }
  Ability per_walk_rdpmc() const { return follows("per_walk_rdpmc", "rdpmc"); }

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

  Ability kvm_guests() const { return follows("kvm_guests", "kvm", finding("kvm_kind").value); }
  Ability kvm_statistics() const { return follows("kvm_statistics", "kvm_statistics"); }

  Ability cacheline_contention() const {
    const LiveFacts::Pmu& pmu = host_.live.pmu;
    if (lacks("cpus"))
      return {"cacheline_contention", Verdict::no, "one CPU: no cache line moves", finding("cpus").mend};
    if (pmu.unavailable.empty() && pmu.has_contention_set) {
      return {"cacheline_contention", Verdict::yes, "--events contention, and the estimate beside it", {}};
    }
    const std::string estimate = "an estimate: walks on N vCPUs less those on 1, over a line's transfer cost at N = 2";
    if (!pmu.unavailable.empty()) return {"cacheline_contention", Verdict::partly, estimate, finding("pmu").mend};
    return {"cacheline_contention",
            Verdict::partly,
            estimate + "; no known event of this CPU counts it",
            {"", "choose events yourself: --events"}};
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

  Ability steal() const { return follows("steal", "steal"); }

 private:
  const Finding& finding(std::string_view subject) const {
    const auto found = std::find_if(findings_.begin(), findings_.end(),
                                    [&](const Finding& candidate) { return candidate.subject == subject; });
    SHADOWWALK_CHECK(found != findings_.end(), "an ability depends on a subject that was not examined");
    return *found;
  }
  bool lacks(std::string_view subject) const { return finding(subject).state == State::lack; }

  /// An ability that depends on one finding. `how`: used if there is no lack; `why_not`: if there is (default: its
  /// value).
  Ability follows(std::string name, std::string_view subject, std::string how = {}, std::string why_not = {}) const {
    const Finding& cause = finding(subject);
    if (cause.state == State::lack)
      return {std::move(name), Verdict::no, why_not.empty() ? cause.value : why_not, cause.mend};
    return {std::move(name), Verdict::yes, how.empty() ? cause.value : how, {}};
  }

  const std::vector<Finding>& findings_;
  const Host& host_;
};

}  // namespace

std::vector<Ability> abilities(const std::vector<Finding>& findings, const Host& host) {
  const Conclusion conclusion(findings, host);
  return {conclusion.walk_latency(),   conclusion.cacheline_contention(), conclusion.pmu_counts(),
          conclusion.per_walk_rdpmc(), conclusion.tracepoints(),          conclusion.usdt(),
          conclusion.kvm_guests(),     conclusion.kvm_statistics(),       conclusion.frequency(),
          conclusion.steal()};
}

}  // namespace shadowwalk::doctor
