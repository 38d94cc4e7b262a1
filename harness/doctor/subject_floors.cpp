#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/doctor/finding.hpp"
#include "harness/text/quantity.hpp"

namespace shadowwalk::doctor {
namespace {

Finding hz(const Host& host) {
  const host::KernelFacts& kernel = host.facts.kernel;
  if (!kernel.hz) return note("not known", host::why_unavailable(kernel.unavailable, "hz"));
  return ok(fmt::format("{} ticks per second", *kernel.hz),
            fmt::format("a grace period waits for ticks of busy CPUs, every {}", time_in_words(1e9 / *kernel.hz)));
}

Finding preemption(const Host& host) {
  const host::KernelFacts& kernel = host.facts.kernel;
  if (kernel.preemption.empty()) return note("not known", host::why_unavailable(kernel.unavailable, "preemption"));
  return ok(fmt::format("{} (by {})", kernel.preemption, kernel.preemption_source));
}

Mend mend_grace_period(const Host& host, const std::string& why_not) {
  if (!host.facts.kernel.nohz_full.empty()) return advise("boot without nohz_full= to measure it");
  if (why_not.ends_with("one CPU online")) return advise("give this machine more CPUs");
  return advise("in a container, permit membarrier(2) in its seccomp profile; else upgrade the kernel to 4.3 or later");
}

/// What synchronize_rcu(), which membarrier() is, says about how long call_rcu()'s callbacks wait.
Finding grace_period(const Host& host) {
  const host::HostFacts& facts = host.facts;
  const auto& [p50, p99] = std::pair(facts.floors.membarrier_global_ns_p50, facts.floors.membarrier_global_ns_p99);
  if (!p50 || !p99) {
    const std::string why_not = host::why_unavailable(facts.floors.unavailable, "membarrier_global_ns_p50");
    return lack(why_not, "the length of this kernel's own grace period is not known", mend_grace_period(host, why_not));
  }
  const std::string value =
      fmt::format("p50 {}, p99 {}, by membarrier(MEMBARRIER_CMD_GLOBAL)", time_in_words(*p50), time_in_words(*p99));
  if (facts.kernel.is_expedited()) {
    return note(value, "unlike call_rcu()'s: rcu_expedited is on, so that this one sends IPIs and call_rcu()'s waits",
                run(write_as_root(host, "0", "/sys/kernel/rcu_expedited")));
  }
  if (facts.kernel.has_lazy_callbacks) {
    return note(value, "unlike call_rcu()'s: lazy callbacks wait up to 10 s before they ask for a grace period",
                advise("boot with rcutree.enable_rcu_lazy=0"));
  }
  return ok(value, "what call_rcu() waits for in this kernel, too; liburcu's grace periods are shorter");
}

Finding primitives(const Host& host) {
  const host::Floors& floors = host.facts.floors;
  std::vector<std::string> known, missing;
  const auto add = [&](const char* words, const char* name, std::optional<double> ns) {
    if (ns) {
      known.push_back(fmt::format("{} {}", words, time_in_words(*ns)));
    } else {
      missing.push_back(fmt::format("{}: {}", words, host::why_unavailable(floors.unavailable, name)));
    }
  };
  add("xchg", "xchg_ns", floors.xchg_ns);
  add("mfence", "mfence_ns", floors.mfence_ns);
  add("line transfer", "line_transfer_ns", floors.line_transfer_ns);
  add("signal as IPI", "signal_ipi_ns", floors.signal_ipi_ns);
  const std::string value = known.empty() ? "none could be measured" : fmt::format("{}", fmt::join(known, ", "));
  if (missing.empty()) return ok(value, "no scheme can be cheaper than the primitives that it is made of");
  return note(value, fmt::format("{}", fmt::join(missing, "; ")));
}

}  // namespace

std::vector<Finding> examine_floors(const Host& host) {
  return findings_of(
      host, {{"hz", hz}, {"preemption", preemption}, {"grace_period", grace_period}, {"primitives", primitives}});
}

}  // namespace shadowwalk::doctor
