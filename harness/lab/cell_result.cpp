#include "harness/lab/cell_result.hpp"

#include <fmt/format.h>

#include <variant>

#include "harness/lab/cell_options.hpp"
#include "harness/lab/registry.hpp"
#include "harness/mmu/geometry.hpp"
#include "harness/replay/trace_guest.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;

/// Of a cell whose times mean nothing: readers leave it out of every verdict but those on violations.
constexpr const char* kEmulatedFlag = "emulated";

json in_bytes(const std::vector<std::uint64_t>& pages) {
  json bytes = json::array();
  for (const std::uint64_t count : pages) bytes.push_back(count * kPageBytes);
  return bytes;
}

/// Where a variant comes from that is not the program's own.
void describe_plugin(json& details, const CellConfig& config) {
  const VariantEntry* variant = Registry::instance().find(config.variant);
  if (variant == nullptr || !variant->plugin) return;
  const PluginOrigin& plugin = *variant->plugin;
  details["plugin"] = {{"file", plugin.file}, {"abi", plugin.abi}, {"optimized", plugin.optimized}};
  if (!plugin.build_id.empty()) details["plugin"]["build_id"] = plugin.build_id;
}

/// What a trace says, in place of the options of other cells.
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

void record_absent(CellResult& result, const std::string& name, std::string_view why) {
  result.details["unavailable"][name] = why;
}

std::string not_taken_at(Instrumentation level) {
  return fmt::format("not taken at --instrumentation {}", to_string(level));
}

/// Whether the cell takes what needs `level`; else the reason stands beside `name`.
bool is_taken(CellResult& result, const Measured& of, Instrumentation level, const char* name) {
  if (of.config.instrumentation >= level) return true;
  record_absent(result, name, not_taken_at(of.config.instrumentation));
  return false;
}

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

/// Depends on how fast things went.
bool is_timed(const Figure& figure) {
  return figure.is_distribution() || figure.unit == Unit::ns || figure.unit == Unit::per_second ||
         figure.name == kSaturated;
}

/// What the figure's row says about the cell: its value, or why it has none.
Reading read_figure(const Figure& figure, const Measured& of) {
  Reading reading = figure.read(of);
  if (std::holds_alternative<NotApplicable>(reading)) return reading;
  if (!has(figure.cells, of.kind)) {
    if (!has(figure.cells, CellKind::measured)) return NotApplicable{};
    return Absent{std::string(of.why_hidden)};
  }
  if (of.config.instrumentation < figure.level) return Absent{not_taken_at(of.config.instrumentation)};
  if (!of.untimed.empty() && is_timed(figure)) return Absent{std::string(of.untimed)};
  return reading;
}

void record_figure(CellResult& result, const Figure& figure, const Measured& of) {
  const Reading reading = read_figure(figure, of);
  if (const auto* const absent = std::get_if<Absent>(&reading)) {
    for (const std::string& name : counters_of(figure)) record_absent(result, name, absent->why);
  } else if (const auto* const value = std::get_if<double>(&reading)) {
    result.counters[std::string(figure.name)] = *value;
    const bool raised = figure.unit == Unit::flag && *value != 0;
    if (raised && of.kind != CellKind::simulated) result.details["flags"].push_back(figure.name);
  } else if (const auto* const histogram = std::get_if<const Histogram*>(&reading)) {
    for (const Quantile& quantile : quantiles_of(figure)) {
      result.counters[fmt::format("{}{}", figure.name, quantile.suffix)] = value_of(quantile, **histogram);
    }
    result.details["histograms"][std::string(figure.name)] = to_json(**histogram);
  }
}

void record_figures(CellResult& result, const Measured& of) {
  result.details["unavailable"] = json::object();
  result.details["histograms"] = json::object();
  result.details["flags"] = json::array();
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) record_figure(result, figure, of);
  }
}

/// The time that each entry of Google Benchmark's format needs: of a walk, or of a touch.
double manual_time_ns(const CellResult& result, const Measured& of) {
  if (!of.untimed.empty()) return 0;
  if (const auto mean = result.counters.find("walk_ns_mean"); mean != result.counters.end()) return mean->second;
  // What a walk and all that surrounds it took of one vCPU.
  const auto count = static_cast<double>(of.touches != nullptr ? of.touches->count : of.cell.walks);
  const double seconds = of.touches != nullptr ? of.touches->seconds : of.cell.duration_s;
  return count == 0 ? 0 : seconds * 1e9 * of.config.vcpus / count;
}

json to_json(const EventCount& count) {
  json entry = {{"event", count.event},           {"encoded", count.encoded},       {"role", count.role},
                {"scope", count.scope},           {"group", count.group},           {"count", count.count},
                {"enabled_ns", count.enabled_ns}, {"running_ns", count.running_ns}, {"multiplexed", count.multiplexed}};
  if (!count.set.empty()) entry["set"] = count.set;
  if (!count.unit.empty()) entry["unit"] = count.unit;
  return entry;
}

/// `<event>_per_walk`, `<event>_per_zap`, `shadowwalk.pmu`, and why an event is not among them.
void record_events(CellResult& result, const CellMeasurement& cell) {
  for (const pmu::Refusal& refusal : cell.events.refused) {
    record_absent(result, refusal.event, refusal.reason);
    result.details["events_refused"].push_back(refusal.event);
  }
  if (cell.events.counts.empty()) return;
  json& list = result.details["pmu"] = json::array();
  for (const EventCount& count : cell.events.counts) {
    list.push_back(to_json(count));
    for (const EventFigure& figure : event_figures()) {
      if (count.role != figure.role) continue;
      const std::string name = fmt::format("{}{}", count.event, figure.suffix);
      if (const std::uint64_t units = cell.*figure.units; units == 0) {
        record_absent(result, name, figure.none);
      } else {
        result.counters[name] = count.count / static_cast<double>(units);
      }
    }
  }
}

json series(const Footprint::Occupancy& level, double interval_ns) {
  return {{"unit", "bytes"},
          {"interval_ns", interval_ns},
          {"peak", in_bytes(level.series_peak)},
          {"last", in_bytes(level.series_last)}};
}

void record_footprint(CellResult& result, const Measured& of) {
  if (of.kind == CellKind::host_kvm || of.config.instrumentation < Instrumentation::light) return;
  const Footprint::Result& pages = of.cell.mmu.footprint;
  result.details["freed_by_drain"] = pages.freed_by_drain;
  result.details["series"] = {{"retired_bytes", series(pages.retired, of.cell.interval_ns)},
                              {"deferred_bytes", series(pages.deferred, of.cell.interval_ns)},
                              {"shadow_bytes", series(pages.shadow, of.cell.interval_ns)}};
}

/// Beside the footprint, whose growth they decide.
void record_grace_periods(CellResult& result, const Measured& of) {
  constexpr const char* kName = "grace_period_times";
  if (of.kind == CellKind::host_kvm) return record_absent(result, kName, of.why_hidden);
  if (!is_taken(result, of, Instrumentation::light, kName)) return;
  if (!of.untimed.empty()) return record_absent(result, kName, of.untimed);
  if (!of.cell.grace_period_times) return record_absent(result, kName, kNoGracePeriods);
  const GracePeriodRecord::Result& times = *of.cell.grace_period_times;
  json& object = result.details[kName] = {
      {"interval_ns", of.cell.interval_ns}, {"began", times.began}, {"under_way_ns", times.under_way_ns}};
  if (times.touched == times.each.size()) {
    object["each"] = times.each;
  } else {
    record_absent(result, "grace_period_times.each",
                  fmt::format("{} grace periods in the window; at most {} are listed one by one", times.touched,
                              GracePeriodRecord::kMostKept));
  }
}

template <class T>
json before_after(const HostChange::BeforeAfter<T>& value) {
  return {{"before", value.before}, {"after", value.after}};
}

void record_host(CellResult& result, const Measured& of) {
  if (of.kind == CellKind::simulated) {
    for (const char* name : {"sec_page_tables_bytes", "kvm_stats"}) record_absent(result, name, of.why_hidden);
    return;
  }
  const HostChange& host = of.cell.host;
  json& memory = result.details["memory"] = json::object();
  if (host.rss_bytes.after != 0) memory["rss_bytes"] = before_after(host.rss_bytes);
  if (host.sec_page_tables_bytes) {
    memory["sec_page_tables_bytes"] = before_after(*host.sec_page_tables_bytes);
  } else {
    record_absent(result, "sec_page_tables_bytes", "/proc/meminfo has no SecPageTables: Linux 6.1 or later reports it");
  }
  if (!host.kvm_statistics_missing.empty()) record_absent(result, "kvm_stats", host.kvm_statistics_missing);
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
  if (noise.core_speed != 0) result.details["noise"]["core_speed"] = noise.core_speed;
}

/// `tools`: those that were attached to the cell; `traced`: it recorded its own timeline.
void record_perturbed(CellResult& result, bool traced, const std::string& tools) {
  if (!traced && tools.empty()) return;
  result.details["flags"].push_back("perturbed");
  result.details["perturbed"] =
      fmt::format("{}{}{}", traced ? "--trace" : "", traced && !tools.empty() ? "; " : "", tools);
}

}  // namespace

CellResult make_result(const Measured& of) {
  const CellConfig& config = of.config;
  const CellMeasurement& cell = of.cell;
  CellResult result;
  result.details["cell"] = describe_cell(config);
  if (!cell.workload_summary.empty()) result.details["workload_summary"] = cell.workload_summary;
  result.details["command"] = config.command;
  describe_plugin(result.details, config);
  if (cell.replay) describe_replay(result.details, config, *cell.replay);

  record_figures(result, of);
  result.manual_time_ns = manual_time_ns(result, of);
  record_footprint(result, of);
  record_grace_periods(result, of);
  record_host(result, of);
  record_events(result, cell);
  if (of.kind != CellKind::simulated) {
    record_noise(result, cell.noise);
    record_perturbed(result, config.timeline != nullptr, cell.perturbed);
  }
  if (!of.untimed.empty()) result.details["flags"].push_back(kEmulatedFlag);

  result.details["placement"] = cell.placement;
  if (cell.grace_periods != 0) result.details["grace_periods"] = cell.grace_periods;
  const VariantEntry* const variant = Registry::instance().find(config.variant);
  if (variant != nullptr && !variant->info.safe) result.details["negative_control"] = true;
  if (!cell.first_violation.empty()) result.details["violation"] = cell.first_violation;
  return result;
}

}  // namespace shadowwalk
