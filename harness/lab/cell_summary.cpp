#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/lab/cell_result.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/text/quantity.hpp"

namespace shadowwalk {
namespace {

/// Of few digits: a count per walk may be tiny, a count per zap large.
std::string significant(double value) { return fmt::format("{:.4g}", value); }

std::string readable(Unit unit, double value) {
  switch (unit) {
    case Unit::ns:
      return time_in_words(value);
    case Unit::s:
      return time_in_words(value * 1e9);
    case Unit::bytes:
      return bytes_in_words(value);
    case Unit::per_second:
      return rate_in_words(value);
    case Unit::count:
    case Unit::flag:
      break;
  }
  return value == std::floor(value) ? fmt::format("{:.0f}", value) : significant(value);
}

/// `walks_restarted 0`, or `walk_ns p50 30.0 ns, p99 80.0 ns`; empty if the result has no such figure.
std::string in_words(const Figure& figure, const CellResult& result) {
  std::string text;
  for (const std::string& counter : counters_of(figure)) {
    const auto found = result.counters.find(counter);
    if (found == result.counters.end()) continue;
    const bool other_workload = found->second == 0 && counter.ends_with("_total");
    if (other_workload || figure.unit == Unit::flag) continue;  // flags have lines of their own
    std::string_view quantile = std::string_view(counter).substr(figure.name.size());
    if (!quantile.empty()) quantile.remove_prefix(1);
    text += fmt::format("{} {}{}{}", text.empty() ? std::string(figure.name) : ",", quantile,
                        quantile.empty() ? "" : " ", readable(figure.unit, found->second));
  }
  return text;
}

/// Whether the topic holds the same count in the window: then the total of the cell's whole life is left out.
bool is_beside_its_window(const Figure& total, const FigureTopic& topic) {
  return std::ranges::any_of(topic.figures,
                             [&](const Figure& figure) { return fmt::format("{}_total", figure.name) == total.name; });
}

void print_figures(const CellResult& result) {
  for (const FigureTopic& topic : figure_topics()) {
    std::string line;
    for (const Figure& figure : topic.figures) {
      const std::string text = is_beside_its_window(figure, topic) ? "" : in_words(figure, result);
      if (!text.empty()) line += "  " + text;
    }
    if (!line.empty()) fmt::print("  {:<9}{}\n", topic.name, line);
  }
}

/// The result without the percentiles that a clock read makes up over half of: those are absent, as in reports
/// (clock_share.py).
CellResult without_clocks_own(CellResult result) {
  const double cost_ns = CycleClock::read_cost_ns();
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      if (!figure.has_clock_read) continue;
      for (const std::string& counter : counters_of(figure)) {
        const auto found = result.counters.find(counter);
        if (found == result.counters.end() || cost_ns <= found->second / 2) continue;
        result.counters.erase(found);
        result.details["unavailable"][counter] =
            fmt::format("the clock itself takes over half of it, {:.1f} ns per read", cost_ns);
      }
    }
  }
  return result;
}

void print_events(const CellResult& result) {
  if (!result.details.contains("pmu")) return;
  for (const auto& event : result.details["pmu"]) {
    const auto name = event["event"].get<std::string>();
    const auto role = event["role"].get<std::string>();
    const auto scope = event["scope"].get<std::string>();
    std::string line = fmt::format("{} {}: {} in all", role, name, significant(event["count"].get<double>()));
    for (const EventFigure& figure : event_figures()) {
      const auto found = result.counters.find(fmt::format("{}{}", name, figure.suffix));
      if (role == figure.role && found != result.counters.end()) {
        line += fmt::format(", {} {}", significant(found->second), figure.title);
      }
    }
    if (scope == "thread" && role != "reclaimers") line += " (the whole thread: an upper bound)";
    const double multiplexed = event["multiplexed"].get<double>();
    if (multiplexed > 0) line += fmt::format(", multiplexed {:.0f} %", 100 * multiplexed);
    fmt::print("  {:<9}  {}\n", "event", line);
  }
}

/// One line per reason: many counters are often absent for the same one.
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

/// With what it stands for, where it is a row of the table.
void print_flag(std::string_view name) {
  constexpr std::string_view kWhen = "1 when ";
  std::string_view meaning;
  for (const FigureTopic& topic : figure_topics()) {
    const auto row = std::ranges::find(topic.figures, name, &Figure::name);
    if (row != topic.figures.end() && row->meaning.starts_with(kWhen)) meaning = row->meaning.substr(kWhen.size());
  }
  fmt::print("  {:<9}  {}{}{}\n", "flag", name, meaning.empty() ? "" : ": ", meaning);
}

}  // namespace

void print_summary(const CellConfig& config, const CellResult& measured) {
  const CellResult result = without_clocks_own(measured);
  fmt::print("{}\n", config.name);
  if (config.read_delay.on())
    fmt::print("  {:<9} walkers stall {} now and then\n", "delay", to_string(config.read_delay));
  if (result.details.contains("replay")) {
    const auto& replay = result.details["replay"];
    fmt::print("  {:<9}  {} events of {} vCPUs in {:.3g} s, {}\n", "trace", replay["events"].get<std::uint64_t>(),
               replay["vcpus"].get<unsigned>(), replay["duration_s"].get<double>(),
               config.pace && config.pace->closed_loop ? "each thread's as soon as its last one is done"
                                                       : "speed " + result.details["cell"]["speed"].get<std::string>());
  }
  print_figures(result);
  print_events(result);
  for (const auto& flag : result.details["flags"]) print_flag(flag.get<std::string>());
  for (const auto& reason : result.details["noise"]["reasons"]) {
    fmt::print("  {:<9}  {}\n", "noisy", reason.get<std::string>());
  }
  if (result.details.contains("violation")) {
    fmt::print("  {:<9}  {}\n", "caught", result.details["violation"].get<std::string>());
  }
  print_absent(result);
}

}  // namespace shadowwalk
