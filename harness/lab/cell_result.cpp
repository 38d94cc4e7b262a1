#include "harness/lab/cell_result.hpp"

#include <fmt/format.h>

#include "harness/lab/event_result.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/result_recorder.hpp"
#include "harness/lab/walk_record.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/mmu/geometry.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;

json in_bytes(const std::vector<std::uint64_t>& pages) {
  json bytes = json::array();
  for (const std::uint64_t count : pages) bytes.push_back(count * kPageBytes);
  return bytes;
}

json describe(const CellConfig& config) {
  const auto seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
  json cell = {{"variant", config.variant},
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
               {"working_set_pages", config.working_set},
               {"instrumentation", to_string(config.instrumentation)},
               {"events", config.events}};
  if (config.locality) cell["locality"] = to_string(*config.locality);
  if (config.write_percent) cell["write_percent"] = *config.write_percent;
  return cell;
}

/// Of a variant that is not the program's own.
void describe_plugin(json& details, const CellConfig& config) {
  const VariantEntry* variant = Registry::instance().find(config.variant);
  if (variant == nullptr || !variant->plugin) return;
  const PluginOrigin& plugin = *variant->plugin;
  details["plugin"] = {{"file", plugin.file}, {"abi", plugin.abi}, {"optimized", plugin.optimized}};
  if (!plugin.build_id.empty()) details["plugin"]["build_id"] = plugin.build_id;
}

/// Of a replay: what the trace says, where other cells were told.
void describe_replay(json& details, const CellConfig& config, const ReplayMeasurement& replay) {
  details["cell"]["speed"] = to_string(replay.pace);
  details["cell"]["zap_rate"] = 0;
  details["cell"]["working_set_pages"] = replay.info.last_gfn;
  json& by_kind = details["replay"]["by_kind"] = json::object();
  for (std::size_t kind = 1; kind <= trace::kMaxTraceKind; ++kind) {
    const auto of_kind = static_cast<trace::TraceKind>(kind);
    if (replay.info.of(of_kind) != 0) by_kind[std::string(kind_name(of_kind))] = replay.info.of(of_kind);
  }
  details["replay"]["trace"] = replay::trace_file(config.workload).value();
  details["replay"]["source"] = replay.source;
  details["replay"]["vcpus"] = replay.info.vcpus;
  details["replay"]["events"] = replay.info.events;
  details["replay"]["duration_s"] = static_cast<double>(replay.info.duration_ns) / 1e9;
}

using Level = Instrumentation;

void record_walks(ResultRecorder& out, CellResult& result, const CellConfig& config, const CellMeasurement& cell) {
  const auto walks = static_cast<double>(cell.walks);
  out.set("walks_per_second", walks / cell.duration_s);
  out.quantiles("walk_ns", Level::full, cell.walk_ns, {kP50, kP99, kP999}, "no walk was sampled in the window");
  out.quantiles("section_ns", Level::full, cell.section_ns, {kP50, kP99}, "no section was sampled in the window");
  out.set("walks_restarted", static_cast<double>(cell.counts.restarts));
  out.set("exits", static_cast<double>(cell.exits));
  out.quantiles("exit_ns", Level::full, cell.exit_ns, {kP50, kP99}, "no exit in the window");
  out.set("violations", static_cast<double>(cell.counts.violations));
  out.set("sections_preempted", static_cast<double>(cell.noise.walker_switches));
  out.quantiles("fault_ns", Level::light, cell.fault_ns, {kP50, kP99}, "no fault in the window");

  // What a walk and all that surrounds it took of one vCPU: the stand-in for Google Benchmark, which needs a time.
  result.manual_time_ns = cell.walks == 0 ? 0 : cell.duration_s * 1e9 * config.vcpus / walks;
  if (!out.taken_at(Level::light, {"walk_ns_mean"})) return;
  if (cell.walks == 0) {
    out.unavailable("walk_ns_mean", "no burst began and ended in the window");
  } else if (cell.replay && cell.walks < WalkRecord::kAlwaysSampledBurst * cell.exits) {
    out.unavailable(
        "walk_ns_mean",
        fmt::format("{:.1f} accesses an exit: the clock would dominate; real_time is the window over the walks "
                    "of one vCPU",
                    walks / static_cast<double>(cell.exits)));
  } else if (config.walks_per_exit == 1) {
    out.unavailable("walk_ns_mean",
                    "walks-per-exit 1: the clock would dominate; real_time is the window over the walks of one vCPU");
  } else {
    result.manual_time_ns = cell.walk_ns_total / walks;
    out.set("walk_ns_mean", result.manual_time_ns);
  }
}

void record_zaps(ResultRecorder& out, const CellConfig& config, const CellMeasurement& cell) {
  const bool has_zappers = config.zappers != 0 || cell.replay;  // a trace's vCPUs zap, too
  const std::string none_found = has_zappers ? "no zap found a page in the window" : "the cell has no zappers";
  out.quantiles("zap_ns", Level::light, cell.zap_ns, {kP50, kP99}, none_found);
  out.quantiles("zap_service_ns", Level::light, cell.zap_service_ns, {kP50, kP99}, none_found);
  out.quantiles("prepare_zap_ns", Level::light, cell.zap_times.prepare_ns, {kP50, kP99}, none_found);
  out.quantiles("commit_zap_ns", Level::light, cell.zap_times.commit_ns, {kP50, kP99}, none_found);
  out.quantiles("mmu_lock_hold_ns", Level::light, cell.mmu_lock_hold_ns, {kP99}, "no zap took mmu_lock in the window");
  out.quantiles("mmu_lock_wait_ns", Level::light, cell.mmu_lock_wait_ns, {kP99},
                "mmu_lock was not taken in the window");
  if (!has_zappers) {
    for (const char* name : {"zaps_per_second", "zaps_empty", "saturated"}) out.unavailable(name, none_found);
    return;
  }
  constexpr double kSaturatedBelow = 0.95;
  const auto beats = static_cast<double>(cell.zaps + cell.zaps_empty);
  out.set("zaps_per_second", static_cast<double>(cell.zaps) / cell.duration_s);
  out.set("zaps_empty", static_cast<double>(cell.zaps_empty));
  if (cell.replay) return out.unavailable("saturated", "a trace asks for no rate: replay_lag_ns tells how late it is");
  out.flag("saturated", beats < kSaturatedBelow * config.zap_rate * cell.duration_s);
}

/// What the workload is about, beside walks and zaps.
void record_workload(ResultRecorder& out, const CellMeasurement& cell) {
  for (const auto& [name, count] : workload_events(cell.counts, cell.host_part, cell.zaps_total)) {
    out.set(name, static_cast<double>(count));
  }
  if (cell.host_part.dirty_rounds == 0) {
    out.unavailable("dirty_pages_last_round", "no round of dirty logging was completed");
  } else {
    out.set("dirty_pages_last_round", static_cast<double>(cell.host_part.dirty_pages_last_round));
  }
  out.quantiles("shrink_ns", Level::light, cell.host_part.shrink_ns, {kP50, kP99},
                cell.host_part.shrinks == 0 ? "the workload does not shrink"
                                            : "no shrink that began in the window had all its pages freed");
}

void record_replay(ResultRecorder& out, const CellMeasurement& cell) {
  if (!cell.replay) return;
  const ReplayMeasurement& replay = *cell.replay;
  out.set("replay_events", static_cast<double>(replay.counts.events));
  out.set("replay_events_per_second", static_cast<double>(replay.counts.events) / cell.duration_s);
  out.set("replay_events_total", static_cast<double>(replay.counts.events_total));
  out.set("replay_skipped_total", static_cast<double>(replay.skipped));
  out.set("replay_of_zap_alls_total", static_cast<double>(replay.of_zap_alls));
  out.set("replay_passes_total", static_cast<double>(replay.passes));
  if (replay.pace.closed_loop) {
    const std::string why = "--closed-loop: no event has a time at which it is due";
    for (const char* name : {"replay_late", "replay_lag_ns_p50", "replay_lag_ns_p99", "replay_lag_ns_max"}) {
      out.unavailable(name, why);
    }
    return;
  }
  out.set("replay_late", static_cast<double>(replay.counts.late));
  out.quantiles("replay_lag_ns", Level::light, replay.counts.lag_ns, {kP50, kP99}, "no event in the window");
  if (out.taken_at(Level::light, {"replay_lag_ns_max"})) {
    out.set("replay_lag_ns_max", static_cast<double>(replay.counts.lag_ns.max()));
  }
}

json series(const Footprint::Level& level, double interval_ns) {
  return {{"unit", "bytes"},
          {"interval_ns", interval_ns},
          {"peak", in_bytes(level.series_peak)},
          {"last", in_bytes(level.series_last)}};
}

void record_footprint(ResultRecorder& out, CellResult& result, const CellMeasurement& cell) {
  const Footprint::Result& pages = cell.footprint;
  out.set("pages_freed_total", static_cast<double>(pages.freed_total));
  const std::string why = pages.unlinked == 0 ? "no page was unlinked in the window"
                                              : "every page unlinked in the window was freed by the drain only";
  out.quantiles("free_ns", Level::light, pages.free_ns, {kP50, kP99}, why);
  if (!out.taken_at(Level::light, {"pages_zapped", "pages_freed", "retired_bytes_mean", "retired_bytes_peak",
                                   "shadow_bytes_mean", "shadow_bytes_peak", "free_ns_max"})) {
    return;
  }
  out.set("pages_zapped", static_cast<double>(pages.unlinked));
  out.set("pages_freed", static_cast<double>(pages.freed));
  out.set("retired_bytes_mean", pages.retired.mean * kPageBytes);
  out.set("retired_bytes_peak", static_cast<double>(pages.retired.peak * kPageBytes));
  out.set("shadow_bytes_mean", pages.shadow.mean * kPageBytes);
  out.set("shadow_bytes_peak", static_cast<double>(pages.shadow.peak * kPageBytes));
  if (pages.free_ns.count() == 0) {
    out.unavailable("free_ns_max", why);
  } else {
    out.set("free_ns_max", static_cast<double>(pages.free_ns.max()));
  }
  result.details["freed_by_drain"] = pages.freed_by_drain;
  result.details["series"] = {{"retired_bytes", series(pages.retired, cell.interval_ns)},
                              {"shadow_bytes", series(pages.shadow, cell.interval_ns)}};
}

/// Beside the footprint, whose growth they decide.
void record_grace_periods(ResultRecorder& out, CellResult& result, const CellMeasurement& cell) {
  const std::string why =
      cell.grace_period_times ? "no grace period began in the window" : "the variant waits for no grace period of RCU";
  const Histogram ns = cell.grace_period_times ? cell.grace_period_times->ns : Histogram();
  out.quantiles("grace_period_ns", Level::light, ns, {kP50, kP99}, why);
  if (!out.taken_at(Level::light, {"grace_period_times"})) return;
  if (!cell.grace_period_times) return out.unavailable("grace_period_times", why);
  const GracePeriodRecord::Result& times = *cell.grace_period_times;
  json& told = result.details["grace_period_times"] = {
      {"interval_ns", cell.interval_ns}, {"began", times.began}, {"under_way_ns", times.under_way_ns}};
  if (times.touched == times.each.size()) {
    told["each"] = times.each;
  } else {
    out.unavailable("grace_period_times.each",
                    fmt::format("{} grace periods in the window, of which {} are told one by one at most",
                                times.touched, GracePeriodRecord::kMostKept));
  }
}

template <class T>
json before_after(const HostChange::BeforeAfter<T>& value) {
  return {{"before", value.before}, {"after", value.after}};
}

void record_host(ResultRecorder& out, CellResult& result, const HostChange& host) {
  json& memory = result.details["memory"] = json::object();
  if (host.rss_bytes.after == 0) {
    out.unavailable("rss_bytes", "/proc/self/statm does not tell");
  } else {
    out.set("rss_bytes", static_cast<double>(host.rss_bytes.after));
    memory["rss_bytes"] = before_after(host.rss_bytes);
  }
  if (host.sec_page_tables_bytes) {
    memory["sec_page_tables_bytes"] = before_after(*host.sec_page_tables_bytes);
  } else {
    out.unavailable("sec_page_tables_bytes", "/proc/meminfo has no SecPageTables: Linux 6.1 or later tells it");
  }
  if (!host.kvm_statistics_missing.empty()) out.unavailable("kvm_stats", host.kvm_statistics_missing);
  if (host.kvm_statistics.empty()) return;
  json& statistics = result.details["kvm_stats"] = json::object();
  for (const auto& [name, change] : host.kvm_statistics) {
    json& entry = statistics[name] = {{"kind", name_of(change.kind)}};
    if (!change.unit.empty()) entry["unit"] = change.unit;
    if (change.kind == StatisticKind::cumulative) {
      entry["delta"] = change.delta();
    } else {
      entry["before"] = change.before;
      entry["after"] = change.after;
    }
  }
}

void record_noise(CellResult& result, const Noise& noise) {
  const std::vector<std::string> reasons = noise_reasons(noise);
  json& flags = result.details["flags"];
  if (noise.walker_switches != 0) flags.push_back("preempted");
  if (!reasons.empty()) flags.push_back("noisy");
  result.details["noise"] = {
      {"involuntary_switches", {{"walkers", noise.walker_switches}, {"zappers", noise.zapper_switches}}},
      {"walkers_off_cpu_ns", noise.walkers_off_cpu_ns},
      {"steal_ns", noise.steal_ns},
      {"other_load_cpus", noise.other_load_cpus},
      {"core_speed_change", noise.core_speed_change},
      {"reasons", reasons}};
}

/// `tools`: those that looked into the cell; `traced`: it recorded itself.
void record_perturbed(CellResult& result, bool traced, const std::string& tools) {
  if (!traced && tools.empty()) return;
  result.details["flags"].push_back("perturbed");
  result.details["perturbed"] =
      fmt::format("{}{}{}", traced ? "--trace" : "", traced && !tools.empty() ? "; " : "", tools);
}

}  // namespace

CellResult make_result(const CellConfig& config, const CellMeasurement& cell) {
  CellResult result;
  result.details["cell"] = describe(config);
  if (!cell.workload_summary.empty()) result.details["workload_summary"] = cell.workload_summary;
  result.details["command"] = config.command;
  describe_plugin(result.details, config);
  if (cell.replay) describe_replay(result.details, config, *cell.replay);
  ResultRecorder out(result, config.instrumentation);

  out.set("duration_s", cell.duration_s);
  record_walks(out, result, config, cell);
  record_zaps(out, config, cell);
  record_workload(out, cell);
  record_replay(out, cell);
  record_footprint(out, result, cell);
  record_grace_periods(out, result, cell);
  record_host(out, result, cell.host);
  if (out.taken_at(Level::light, {"ipis"})) out.set("ipis", static_cast<double>(cell.ipis));
  if (out.taken_at(Level::light, {"ipis_total"})) out.set("ipis_total", static_cast<double>(cell.ipis_total));
  out.quantiles("ipi_ns", Level::light, cell.ipi_ns, {kP50, kP99}, "no flush had to interrupt a vCPU in the window");
  if (cell.line_transfer) {
    out.set("line_transfer_ns", cell.line_transfer->median_ns);
  } else if (out.taken_at(Level::light, {"line_transfer_ns"})) {
    out.unavailable("line_transfer_ns", cell.line_transfer_missing);
  }
  record_events(out, result, cell);
  out.flag("oversubscribed", cell.noise.oversubscribed);
  record_noise(result, cell.noise);
  record_perturbed(result, config.timeline != nullptr, cell.perturbed);

  result.details["placement"] = cell.placement;
  if (cell.grace_periods != 0) result.details["grace_periods"] = cell.grace_periods;
  const VariantEntry* const variant = Registry::instance().find(config.variant);
  if (variant != nullptr && !variant->info.safe) result.details["negative_control"] = true;
  if (!cell.first_violation.empty()) result.details["violation"] = cell.first_violation;
  return result;
}

}  // namespace shadowwalk
