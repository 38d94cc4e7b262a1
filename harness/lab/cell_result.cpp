#include "harness/lab/cell_result.hpp"

#include <fmt/format.h>

#include "harness/mmu/geometry.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;

json to_json(const Histogram& histogram) {
  json buckets = json::array();
  for (std::size_t i = 0; i < HistogramScale::kBuckets; ++i) {
    if (const std::uint64_t count = histogram.count_in(i)) {
      buckets.push_back({HistogramScale::lowest(i), HistogramScale::highest(i), count});
    }
  }
  return {{"unit", "ns"},
          {"sub_bucket_bits", HistogramScale::kSubBucketBits},
          {"count", histogram.count()},
          {"min", histogram.min()},
          {"max", histogram.max()},
          {"sum", histogram.sum()},
          {"buckets", std::move(buckets)}};
}

json in_bytes(const std::vector<std::uint64_t>& pages) {
  json bytes = json::array();
  for (const std::uint64_t count : pages) bytes.push_back(count * kPageBytes);
  return bytes;
}

json describe(const CellConfig& config) {
  const auto seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
  return {{"variant", config.variant},
          {"workload", config.workload},
          {"vcpus", config.vcpus},
          {"zappers", config.zappers},
          {"zap_rate", config.zap_rate},
          {"walks_per_exit", config.walks_per_exit},
          {"guest", to_string(config.guest)},
          {"placement", config.placement},
          {"mmu_lock", to_string(config.mmu_lock)},
          {"duration_s", seconds(config.duration)},
          {"warmup_s", seconds(config.warmup)},
          {"seed", config.seed},
          {"rcu_interval_ns", config.rcu_interval.count()},
          {"checks", config.full_checks ? "full" : "off"},
          {"read_delay", to_string(config.read_delay)},
          {"working_set_pages", config.working_set}};
}

/// Fills counters, and says why of those that cannot be filled.
class Recorder {
 public:
  Recorder(CellResult& result) : result_(result) {
    result_.details["unavailable"] = json::object();
    result_.details["histograms"] = json::object();
    result_.details["flags"] = json::array();
  }

  void set(const std::string& name, double value) { result_.counters[name] = value; }
  void unavailable(const std::string& name, const std::string& reason) {
    result_.details["unavailable"][name] = reason;
  }
  void flag(const std::string& name, bool raised) {
    set(name, raised ? 1 : 0);
    if (raised) result_.details["flags"].push_back(name);
  }

  /// `<prefix>_p50` and the like from a histogram, or why there are none.
  void quantiles(const std::string& prefix, const Histogram& histogram,
                 std::initializer_list<std::pair<const char*, double>> wanted, const std::string& why_empty) {
    for (const auto& [suffix, fraction] : wanted) {
      const std::string name = prefix + suffix;
      if (histogram.count() == 0) {
        unavailable(name, why_empty);
      } else {
        set(name, histogram.quantile(fraction));
      }
    }
    if (histogram.count() != 0) result_.details["histograms"][prefix] = to_json(histogram);
  }

 private:
  CellResult& result_;
};

constexpr std::pair<const char*, double> kP50{"_p50", 0.5};
constexpr std::pair<const char*, double> kP99{"_p99", 0.99};
constexpr std::pair<const char*, double> kP999{"_p999", 0.999};

void record_walks(Recorder& out, CellResult& result, const CellConfig& config, const CellMeasurement& cell) {
  const auto walks = static_cast<double>(cell.walks);
  out.set("walks_per_second", walks / cell.duration_s);
  out.quantiles("walk_ns", cell.walk_ns, {kP50, kP99, kP999}, "no walk was sampled in the window");
  out.set("walks_restarted", static_cast<double>(cell.restarts));
  out.set("exits", static_cast<double>(cell.exits));
  out.set("violations", static_cast<double>(cell.violations));
  out.set("sections_preempted", static_cast<double>(cell.walker_involuntary_switches));
  out.quantiles("fault_ns", cell.fault_ns, {kP50, kP99}, "no fault in the window");

  // What a walk and all that surrounds it took of one vCPU: the stand-in for Google Benchmark, which needs a time.
  result.manual_time_ns = cell.walks == 0 ? 0 : cell.duration_s * 1e9 * config.vcpus / walks;
  if (cell.walks == 0) {
    out.unavailable("walk_ns_mean", "no burst began and ended in the window");
  } else if (config.walks_per_exit == 1) {
    out.unavailable("walk_ns_mean",
                    "walks-per-exit 1: the clock would dominate; real_time is the window over the walks of one vCPU");
  } else {
    result.manual_time_ns = cell.walk_ns_total / walks;
    out.set("walk_ns_mean", result.manual_time_ns);
  }
}

void record_zaps(Recorder& out, const CellConfig& config, const CellMeasurement& cell) {
  if (config.zappers == 0) {
    for (const char* name : {"zaps_per_second", "zaps_empty", "zap_ns_p50", "zap_ns_p99", "saturated"}) {
      out.unavailable(name, "the cell has no zappers");
    }
    return;
  }
  constexpr double kSaturatedBelow = 0.95;
  const auto beats = static_cast<double>(cell.zaps + cell.zaps_empty);
  out.set("zaps_per_second", static_cast<double>(cell.zaps) / cell.duration_s);
  out.set("zaps_empty", static_cast<double>(cell.zaps_empty));
  out.quantiles("zap_ns", cell.zap_ns, {kP50, kP99}, "no zap found a page in the window");
  out.flag("saturated", beats < kSaturatedBelow * config.zap_rate * cell.duration_s);
}

void record_memory(Recorder& out, CellResult& result, const CellMeasurement& cell) {
  const Footprint::Result& pages = cell.footprint;
  out.set("pages_zapped", static_cast<double>(pages.unlinked));
  out.set("pages_freed", static_cast<double>(pages.freed));
  out.set("pages_freed_total", static_cast<double>(pages.freed_total));
  out.set("retired_bytes_mean", pages.retired.mean * kPageBytes);
  out.set("retired_bytes_peak", static_cast<double>(pages.retired.peak * kPageBytes));
  out.set("shadow_bytes_peak", static_cast<double>(pages.shadow.peak * kPageBytes));
  const std::string why = pages.unlinked == 0 ? "no page was unlinked in the window"
                                              : "every page unlinked in the window was freed by the drain only";
  out.quantiles("free_ns", pages.free_ns, {kP50, kP99}, why);
  if (pages.free_ns.count() == 0) {
    out.unavailable("free_ns_max", why);
  } else {
    out.set("free_ns_max", static_cast<double>(pages.free_ns.max()));
  }
  result.details["freed_by_drain"] = pages.freed_by_drain;
  result.details["series"]["retired_bytes"] = {{"unit", "bytes"},
                                               {"interval_ns", cell.interval_ns},
                                               {"peak", in_bytes(pages.retired.series_peak)},
                                               {"last", in_bytes(pages.retired.series_last)}};
}

}  // namespace

CellResult make_result(const CellConfig& config, const CellMeasurement& cell) {
  CellResult result;
  result.details["cell"] = describe(config);
  result.details["command"] = config.command;
  Recorder out(result);

  out.set("duration_s", cell.duration_s);
  record_walks(out, result, config, cell);
  record_zaps(out, config, cell);
  record_memory(out, result, cell);
  out.quantiles("mmu_lock_hold_ns", cell.mmu_lock_hold_ns, {kP99}, "no zap took mmu_lock in the window");
  out.quantiles("mmu_lock_wait_ns", cell.mmu_lock_wait_ns, {kP99}, "mmu_lock was not taken in the window");
  out.set("ipis", static_cast<double>(cell.ipis));
  out.quantiles("ipi_ns", cell.ipi_ns, {kP50, kP99}, "no flush had to interrupt a vCPU in the window");
  out.flag("oversubscribed", cell.oversubscribed);
  if (cell.walker_involuntary_switches != 0) result.details["flags"].push_back("preempted");

  result.details["placement"] = cell.placement;
  result.details["noise"] = {
      {"involuntary_switches",
       {{"walkers", cell.walker_involuntary_switches}, {"zappers", cell.zapper_involuntary_switches}}},
      {"steal_ns", cell.steal_ns}};
  if (cell.grace_periods != 0) result.details["grace_periods"] = cell.grace_periods;
  if (!cell.first_violation.empty()) result.details["violation"] = cell.first_violation;
  return result;
}

}  // namespace shadowwalk
