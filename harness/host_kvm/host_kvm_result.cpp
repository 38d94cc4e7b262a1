#include "harness/host_kvm/host_kvm_result.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>

#include "harness/host_kvm/kvm_modules.hpp"
#include "harness/lab/result_recorder.hpp"

namespace shadowwalk::host_kvm {
namespace {

using nlohmann::json;
using Level = Instrumentation;

constexpr const char* kHidden = "host-kvm: the kernel's own MMU; not visible from user space";

/// What means the same as in a cell of the lab. The rest is about the lab's own MMU.
const std::set<std::string_view>& common_names() {
  static const std::set<std::string_view> names = {
      "duration_s",     "zaps_per_second",       "zaps_empty",         "saturated", "zap_ns_p50",
      "zap_ns_p99",     "zap_service_ns_p50",    "zap_service_ns_p99", "exits",     "rss_bytes",
      "oversubscribed", "sec_page_tables_bytes", "kvm_stats"};
  return names;
}

bool is_common(const std::string& name) { return common_names().contains(name); }

void hide_what_the_kernel_hides(CellResult& result) {
  json& unavailable = result.details["unavailable"];
  for (auto& [name, reason] : unavailable.items()) {
    if (!is_common(name)) reason = kHidden;
  }
  for (auto counter = result.counters.begin(); counter != result.counters.end();) {
    if (is_common(counter->first)) {
      ++counter;
    } else {
      unavailable[counter->first] = kHidden;
      counter = result.counters.erase(counter);
    }
  }
  json& histograms = result.details["histograms"];
  for (auto histogram = histograms.begin(); histogram != histograms.end();) {
    histogram = is_common(histogram.key() + "_p50") ? std::next(histogram) : histograms.erase(histogram);
  }
  result.details.erase("series");
  result.details.erase("freed_by_drain");
}

/// Why a kind of touch has no figures, when touches were clocked.
std::string why_no(TouchKind kind, const HostPlan& plan, bool zapped) {
  if (kind == TouchKind::device) return "the guest's program has no MMIO accesses";
  if (plan.touch.coverage == Coverage::unknown && kind != TouchKind::hit && zapped) {
    return "the kernel chooses the tables that it recycles and does not tell: touch_ns holds the faults";
  }
  return "no such touch in the window";
}

void record_touches(ResultRecorder& out, CellResult& result, const CellConfig& config, const HostPlan& plan,
                    const HostKvmMeasurement& cell) {
  const auto touches = static_cast<double>(cell.touches);
  out.set("touches_per_second", touches / cell.touching_s);
  out.set("touches_lost_slot", static_cast<double>(cell.lost_slot));
  result.manual_time_ns = cell.touches == 0 ? 0 : cell.touching_s * 1e9 * config.vcpus / touches;
  result.details["unavailable"]["walk_ns_mean"] =
      std::string(kHidden) + "; real_time is the window over the touches of one vCPU";

  const auto histogram = [&](TouchKind kind) -> const Histogram& {
    return cell.touch_ns[static_cast<std::uint32_t>(kind)];
  };
  const bool zapped = !plan.actions.empty() || plan.quota != 0;
  const auto record = [&](const char* name, const Histogram& values, ResultRecorder::Quantiles wanted,
                          std::string why) {
    out.quantiles(name, Level::full, values, wanted, cell.clock_missing.empty() ? why : cell.clock_missing);
  };
  Histogram all = histogram(TouchKind::hit);
  all.merge(histogram(TouchKind::first));
  all.merge(histogram(TouchKind::unclear));
  record("touch_ns", all, {kP50, kP99, kP999}, "the guest touched no memory in the window");
  // Where the guest cannot tell hits from first touches, everything is in `hit` and belongs to neither.
  const bool told = plan.touch.coverage != Coverage::unknown || !zapped;
  const Histogram none;
  record("touch_hit_ns", told ? histogram(TouchKind::hit) : none, {kP50, kP99},
         told ? why_no(TouchKind::hit, plan, zapped) : why_no(TouchKind::first, plan, zapped));
  record("touch_first_ns", histogram(TouchKind::first), {kP50, kP99}, why_no(TouchKind::first, plan, zapped));
  record("touch_unclear_ns", histogram(TouchKind::unclear), {kP50, kP99}, why_no(TouchKind::unclear, plan, zapped));
  record("touch_device_ns", histogram(TouchKind::device), {kP50, kP99}, why_no(TouchKind::device, plan, zapped));
  record("guest_clock_read_ns", cell.clock_ns, {{"", 0.5}}, "touches were not clocked");
}

void record_beats(ResultRecorder& out, const HostPlan& plan, const HostKvmMeasurement& cell) {
  if (plan.touch.log_dirty_pages) {
    out.set("dirty_pages", static_cast<double>(cell.dirty_pages));
  } else {
    out.unavailable("dirty_pages", "the cell logs no dirty pages");
  }
}

}  // namespace

CellResult make_host_kvm_result(const CellConfig& config, const HostPlan& plan, const HostKvmMeasurement& cell) {
  CellResult result = make_result(config, cell.common);
  hide_what_the_kernel_hides(result);
  // A recorder empties what it fills: the lab's is gone by now, so what it left is put back.
  const json left = result.details;
  ResultRecorder out(result, config.instrumentation);
  result.details = left;
  record_touches(out, result, config, plan, cell);
  record_beats(out, plan, cell);
  json& memory = result.details["memory"];
  if (cell.sec_page_tables_peak && memory.contains("sec_page_tables_bytes")) {
    json& bytes = memory["sec_page_tables_bytes"];
    const auto ends = std::max(bytes["before"].get<std::uint64_t>(), bytes["after"].get<std::uint64_t>());
    bytes["peak"] = std::max(*cell.sec_page_tables_peak, ends);
    bytes["peak_interval_ms"] = HostKvmMeasurement::kSampleInterval.count();
  }
  result.details["reference"] = {{"implementation", "the host kernel's own MMU, in kernel space"},
                                 {"host_action", describe(plan)},
                                 {"kvm", kvm_modules()}};
  return result;
}

}  // namespace shadowwalk::host_kvm
