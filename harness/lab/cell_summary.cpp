#include "harness/lab/cell_summary.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk {
namespace {

std::string scaled(double value, double step, std::initializer_list<const char*> units) {
  const char* const* unit = units.begin();
  while (std::abs(value) >= step && unit + 1 != units.end()) {
    value /= step;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 && unit != units.begin() ? 2 : value < 100 ? 1 : 0, *unit);
}

std::string readable(std::string_view name, double value) {
  if (name.find("_ns") != std::string_view::npos) return scaled(value, 1000, {"ns", "us", "ms", "s"});
  if (name.find("bytes") != std::string_view::npos) return scaled(value, 1024, {"B", "KiB", "MiB", "GiB"});
  if (name.find("per_second") != std::string_view::npos) return scaled(value, 1000, {"/s", "k/s", "M/s", "G/s"});
  return fmt::format("{:.0f}", value);
}

struct Topic {
  const char* name;
  std::vector<const char*> counters;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> topics = {
      {"walks", {"walks_per_second", "walk_ns_mean", "walk_ns_p50", "walk_ns_p99", "walk_ns_p999", "walks_restarted"}},
      {"sections", {"section_ns_p50", "section_ns_p99", "sections_preempted"}},
      {"line", {"line_transfer_ns"}},
      {"faults", {"fault_ns_p50", "fault_ns_p99"}},
      {"exits", {"exits", "exit_ns_p50", "exit_ns_p99"}},
      {"zaps", {"zaps_per_second", "zaps_empty", "zap_ns_p50", "zap_ns_p99"}},
      {"of a zap",
       {"zap_service_ns_p50", "zap_service_ns_p99", "prepare_zap_ns_p50", "prepare_zap_ns_p99", "commit_zap_ns_p50",
        "commit_zap_ns_p99"}},
      {"memory",
       {"pages_zapped", "pages_freed", "retired_bytes_mean", "retired_bytes_peak", "shadow_bytes_mean",
        "shadow_bytes_peak", "rss_bytes"}},
      {"free", {"free_ns_p50", "free_ns_p99", "free_ns_max"}},
      {"mmu_lock", {"mmu_lock_hold_ns_p99", "mmu_lock_wait_ns_p99"}},
      {"IPIs", {"ipis", "ipi_ns_p50", "ipi_ns_p99"}},
      {"checks", {"violations"}},
  };
  return topics;
}

}  // namespace

void print_summary(const CellConfig& config, const CellResult& result) {
  fmt::print("{}\n", config.name);
  if (config.read_delay.on())
    fmt::print("  {:<9} walkers stall {} now and then\n", "delay", to_string(config.read_delay));
  for (const Topic& topic : topics()) {
    std::string line;
    for (const char* counter : topic.counters) {
      const auto found = result.counters.find(counter);
      if (found == result.counters.end()) continue;
      line += fmt::format("  {} {}", counter, readable(counter, found->second));
    }
    if (!line.empty()) fmt::print("  {:<9}{}\n", topic.name, line);
  }
  for (const auto& flag : result.details["flags"]) fmt::print("  {:<9}  {}\n", "flag", flag.get<std::string>());
  for (const auto& reason : result.details["noise"]["reasons"]) {
    fmt::print("  {:<9}  {}\n", "noisy", reason.get<std::string>());
  }
  if (result.details.contains("violation")) {
    fmt::print("  {:<9}  {}\n", "caught", result.details["violation"].get<std::string>());
  }
  for (const auto& [name, reason] : result.details["unavailable"].items()) {
    fmt::print("  {:<9}  {}: {}\n", "absent", name, reason.get<std::string>());
  }
}

}  // namespace shadowwalk
