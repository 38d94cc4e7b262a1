#include "harness/lab/cell_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/text/quantity.hpp"

namespace shadowwalk {
namespace {

std::string readable(std::string_view name, double value) {
  if (name.find("_ns") != std::string_view::npos) return time_in_words(value);
  if (name.find("bytes") != std::string_view::npos) return bytes_in_words(value);
  if (name.find("per_second") != std::string_view::npos) return rate_in_words(value);
  return fmt::format("{:.0f}", value);
}

struct Topic {
  const char* name;
  std::vector<const char*> counters;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> topics = {
      {"touches", {"touches_per_second", "touch_ns_p50", "touch_ns_p99", "touch_ns_p999", "guest_clock_read_ns"}},
      {"of those",
       {"touch_hit_ns_p50", "touch_hit_ns_p99", "touch_first_ns_p50", "touch_first_ns_p99", "touch_device_ns_p50",
        "touch_device_ns_p99", "touches_lost_slot"}},
      {"walks", {"walks_per_second", "walk_ns_mean", "walk_ns_p50", "walk_ns_p99", "walk_ns_p999", "walks_restarted"}},
      {"sections", {"section_ns_p50", "section_ns_p99", "sections_preempted"}},
      {"line", {"line_transfer_ns"}},
      {"faults", {"fault_ns_p50", "fault_ns_p99"}},
      {"exits", {"exits", "exit_ns_p50", "exit_ns_p99"}},
      {"zaps", {"zaps_per_second", "zaps_empty", "dirty_pages", "zap_ns_p50", "zap_ns_p99"}},
      {"of a zap",
       {"zap_service_ns_p50", "zap_service_ns_p99", "prepare_zap_ns_p50", "prepare_zap_ns_p99", "commit_zap_ns_p50",
        "commit_zap_ns_p99"}},
      {"memory",
       {"pages_zapped", "pages_freed", "retired_bytes_mean", "retired_bytes_peak", "shadow_bytes_mean",
        "shadow_bytes_peak", "rss_bytes"}},
      {"free", {"free_ns_p50", "free_ns_p99", "free_ns_max"}},
      {"RCU", {"grace_period_ns_p50", "grace_period_ns_p99"}},
      {"mmu_lock", {"mmu_lock_hold_ns_p99", "mmu_lock_wait_ns_p99"}},
      {"IPIs", {"ipis", "ipi_ns_p50", "ipi_ns_p99"}},
      {"workload",
       {"zaps_total", "made_writable_total", "leaves_write_protected_total", "dirty_rounds_total",
        "dirty_pages_last_round", "leaves_zapped_total", "page_table_writes_total", "flood_zaps_total",
        "quota_zaps_total", "walker_stalls_total", "shrinks_total", "shrinks_unfinished_total", "shrink_ns_p50",
        "shrink_ns_p99"}},
      {"replay",
       {"replay_events", "replay_events_per_second", "replay_passes_total", "replay_skipped_total", "replay_late",
        "replay_lag_ns_p50", "replay_lag_ns_p99", "replay_lag_ns_max"}},
      {"checks", {"violations"}},
  };
  return topics;
}

/// A count a walk may be tiny, a count a zap large.
std::string significant(double value) { return fmt::format("{:.4g}", value); }

void print_events(const CellResult& result) {
  if (!result.details.contains("pmu")) return;
  for (const auto& event : result.details["pmu"]) {
    const auto name = event["event"].get<std::string>();
    const auto role = event["role"].get<std::string>();
    const auto scope = event["scope"].get<std::string>();
    std::string line = fmt::format("{} {}: {} in all", role, name, significant(event["count"].get<double>()));
    for (const char* suffix : {"_per_walk", "_per_zap"}) {
      const bool of_role = (role == "walkers") == (std::string_view(suffix) == "_per_walk") && role != "reclaimers";
      const auto found = result.counters.find(name + suffix);
      if (of_role && found != result.counters.end()) {
        line += fmt::format(", {} a {}", significant(found->second), suffix + sizeof("_per_") - 1);
      }
    }
    if (scope == "thread" && role != "reclaimers") line += " (the whole thread: an upper bound)";
    const double multiplexed = event["multiplexed"].get<double>();
    if (multiplexed > 0) line += fmt::format(", multiplexed {:.0f} %", 100 * multiplexed);
    fmt::print("  {:<9}  {}\n", "event", line);
  }
}

/// One line a reason: many counters are often absent for the same one.
void print_absent(const CellResult& result) {
  std::vector<std::pair<std::string, std::string>> names_by_reason;
  for (const auto& [name, text] : result.details["unavailable"].items()) {
    const auto reason = text.get<std::string>();
    const auto same = std::find_if(names_by_reason.begin(), names_by_reason.end(),
                                   [&](const auto& known) { return known.first == reason; });
    if (same == names_by_reason.end()) {
      names_by_reason.emplace_back(reason, name);
    } else {
      same->second += ", " + name;
    }
  }
  for (const auto& [reason, names] : names_by_reason) fmt::print("  {:<9}  {}: {}\n", "absent", names, reason);
}

}  // namespace

void print_summary(const CellConfig& config, const CellResult& result) {
  fmt::print("{}\n", config.name);
  if (config.read_delay.on())
    fmt::print("  {:<9} walkers stall {} now and then\n", "delay", to_string(config.read_delay));
  if (result.details.contains("replay")) {
    const auto& replay = result.details["replay"];
    fmt::print("  {:<9}  {} events of {} vCPUs in {:.3g} s, {}\n", "trace", replay["events"].get<std::uint64_t>(),
               replay["vcpus"].get<unsigned>(), replay["duration_s"].get<double>(),
               config.pace && config.pace->closed_loop ? "each thread's as soon as it is done with the last"
                                                       : "speed " + result.details["cell"]["speed"].get<std::string>());
  }
  for (const Topic& topic : topics()) {
    std::string line;
    for (const char* counter : topic.counters) {
      const auto found = result.counters.find(counter);
      if (found == result.counters.end()) continue;
      if (found->second == 0 && std::string_view(counter).ends_with("_total")) continue;  // not of this workload
      line += fmt::format("  {} {}", counter, readable(counter, found->second));
    }
    if (!line.empty()) fmt::print("  {:<9}{}\n", topic.name, line);
  }
  print_events(result);
  for (const auto& flag : result.details["flags"]) fmt::print("  {:<9}  {}\n", "flag", flag.get<std::string>());
  for (const auto& reason : result.details["noise"]["reasons"]) {
    fmt::print("  {:<9}  {}\n", "noisy", reason.get<std::string>());
  }
  if (result.details.contains("violation")) {
    fmt::print("  {:<9}  {}\n", "caught", result.details["violation"].get<std::string>());
  }
  print_absent(result);
}

}  // namespace shadowwalk
