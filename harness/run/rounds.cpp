#include "harness/run/rounds.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <set>
#include <utility>

namespace shadowwalk::run {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

const PlannedCell& cell_of(const Plan& plan, int id) { return plan.cells[static_cast<std::size_t>(id)]; }

/// {repetition: value} of a cell's quiet results.
std::map<int, double> quiet_values(const Results& results, int id, const char* counter) {
  std::map<int, double> values;
  for (auto at = results.lower_bound({.cell = id, .repetition = 0}); at != results.end() && at->first.cell == id;
       ++at) {
    const auto found = at->second.counters.find(counter);
    if (!at->second.noisy && found != at->second.counters.end() && found->second > 0) {
      values[at->first.repetition] = found->second;
    }
  }
  return values;
}

bool has_result(const Results& results, int id) {
  const auto at = results.lower_bound({.cell = id, .repetition = 0});
  return at != results.end() && at->first.cell == id;
}

/// Whether each of the setting's results has the counter.
bool all_have(const Results& results, const std::vector<int>& setting, const char* counter) {
  return std::ranges::all_of(results, [&](const auto& entry) {
    return std::ranges::find(setting, entry.first.cell) == setting.end() || entry.second.counters.contains(counter);
  });
}

}  // namespace

double half_width(const std::vector<double>& values) {
  if (values.size() < 2) return kInfinite;
  constexpr double kTrimmed = 0.15;  // as TRIMMED in reports/shadowwalk_report/intervals.py
  const auto cut = static_cast<std::size_t>(kTrimmed * static_cast<double>(values.size()));
  std::vector<double> winsorised = values;
  std::ranges::sort(winsorised);
  std::fill_n(winsorised.begin(), cut, winsorised[cut]);
  std::fill_n(winsorised.rbegin(), cut, winsorised[winsorised.size() - 1 - cut]);
  const double middle =
      std::accumulate(winsorised.begin(), winsorised.end(), 0.0) / static_cast<double>(winsorised.size());
  double squares = 0;
  for (const double value : winsorised) squares += (value - middle) * (value - middle);
  const auto kept = static_cast<double>(values.size() - 2 * cut);
  const boost::math::students_t distribution(kept - 1);
  return quantile(complement(distribution, 0.025)) * std::sqrt(squares / (kept - 1) / kept);
}

std::vector<std::vector<int>> compared_settings(const Plan& plan) {
  std::map<std::pair<std::string, std::string>, std::vector<int>> cells_of;
  for (const PlannedCell& cell : plan.cells) {
    nlohmann::ordered_json options = to_json(cell.request);
    for (const CellOption& option : cell_options()) {
      if (option.of_scheme) options.erase(std::string(option.key));
    }
    cells_of[{cell.group, options.dump()}].push_back(cell.id);
  }
  std::vector<std::vector<int>> settings;
  for (auto& [where, cells] : cells_of) {
    if (cells.size() > 1) settings.push_back(std::move(cells));
  }
  return settings;
}

std::string baseline_variant(const Plan& plan) {
  for (const char* preferred : {"irq-ipi", "leak"}) {
    const auto has = [&](const PlannedCell& cell) { return cell.request.config.variant == preferred; };
    if (std::ranges::any_of(plan.cells, has)) return preferred;
  }
  return plan.cells.empty() ? std::string() : plan.cells.front().request.config.variant;
}

double widest_half_width(const Plan& plan, const std::vector<int>& setting, const Results& results) {
  const std::string variant = baseline_variant(plan);
  const auto baseline = std::ranges::find_if(
      setting, [&](int id) { return cell_of(plan, id).request.config.variant == variant && has_result(results, id); });
  if (baseline == setting.end()) return 0;
  if (results.lower_bound({.cell = *baseline, .repetition = 0})->second.emulated) return 0;  // nothing is timed
  const bool has_zappers = cell_of(plan, *baseline).request.config.zappers > 0;
  const char* counter =
      has_zappers || !all_have(results, setting, "walk_ns_mean") ? "walks_per_second" : "walk_ns_mean";
  const std::map<int, double> base = quiet_values(results, *baseline, counter);
  double widest = 0;
  for (const int id : setting) {
    if (id == *baseline || !has_result(results, id)) continue;
    std::vector<double> log_ratios;
    for (const auto& [repetition, value] : quiet_values(results, id, counter)) {
      if (const auto found = base.find(repetition); found != base.end()) {
        log_ratios.push_back(std::log(value / found->second));
      }
    }
    widest = std::max(widest, half_width(log_ratios));
  }
  return widest;
}

std::vector<std::vector<int>> imprecise_settings(const Plan& plan, const Results& results, double precision) {
  std::vector<std::pair<double, std::vector<int>>> wide;
  for (std::vector<int>& setting : compared_settings(plan)) {
    const double width = widest_half_width(plan, setting, results);
    if (width > std::log1p(precision)) wide.emplace_back(width, std::move(setting));
  }
  std::ranges::stable_sort(wide, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::vector<int>> settings;
  for (auto& [width, setting] : wide) settings.push_back(std::move(setting));
  return settings;
}

std::vector<Measurement> next_round(const Plan& plan, const std::vector<std::vector<int>>& settings,
                                    const Results& results, const std::function<bool(const std::vector<int>&)>& fits) {
  std::map<int, int> next;  // of each cell
  for (const Measurement& measurement : plan.order) {
    next[measurement.cell] = std::max(next[measurement.cell], measurement.repetition + 1);
  }
  std::vector<std::vector<Measurement>> chosen;
  std::vector<int> cells;
  for (const std::vector<int>& setting : settings) {
    std::vector<Measurement> repetition;
    int number = 0;  // the same for all of the setting, so that they are pairs
    for (const int id : setting) number = std::max(number, next[id]);
    for (const int id : setting) {
      if (has_result(results, id)) repetition.push_back({.cell = id, .repetition = number});
    }
    if (number >= kMaxRepetitions || plan.order.size() + cells.size() + repetition.size() > kMaxMeasurements) continue;
    std::vector<int> more = cells;
    for (const Measurement& measurement : repetition) more.push_back(measurement.cell);
    if (!fits(more)) continue;
    cells = std::move(more);
    chosen.push_back(std::move(repetition));
  }
  std::mt19937_64 generator{plan.seed + plan.order.size()};
  std::ranges::shuffle(chosen, generator);
  std::vector<Measurement> round;
  for (std::vector<Measurement>& repetition : chosen) {
    std::ranges::shuffle(repetition, generator);
    round.insert(round.end(), repetition.begin(), repetition.end());
  }
  return round;
}

}  // namespace shadowwalk::run
