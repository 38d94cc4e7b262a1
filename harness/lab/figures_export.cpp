#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/lab/figures.hpp"

namespace shadowwalk {
namespace {

using nlohmann::ordered_json;

std::string_view better_name(Better better) {
  constexpr std::string_view names[] = {"", "lower", "higher"};
  static_assert(std::size(names) == static_cast<std::size_t>(Better::higher) + 1);
  return names[static_cast<std::size_t>(better)];
}

ordered_json to_json(const Figure& figure, std::string_view topic) {
  return {{"name", figure.name},
          {"kind", figure.is_distribution() ? "distribution" : "counter"},
          {"unit", unit_name(figure.unit)},
          {"title", figure.title},
          {"meaning", figure.meaning},
          {"topic", topic},
          {"level", to_string(figure.level)},
          {"better", better_name(figure.better)},
          {"grows_with_run", figure.grows_with_run},
          {"has_clock_read", figure.has_clock_read},
          {"counters", counters_of(figure)}};
}

/// `<event>` stands for each event that was counted.
ordered_json to_json(const EventFigure& figure) {
  const std::string name = fmt::format("<event>{}", figure.suffix);
  return {{"name", name},
          {"kind", "pattern"},
          {"unit", unit_name(Unit::count)},
          {"title", figure.title},
          {"meaning", figure.meaning},
          {"topic", "event"},
          {"level", to_string(Instrumentation::none)},
          {"better", ""},
          {"grows_with_run", false},
          {"has_clock_read", false},
          {"counters", ordered_json::array({name})}};
}

std::string row(const std::vector<std::string>& counters, std::string_view unit, std::string_view level,
                std::string_view meaning) {
  return fmt::format("| `{}` | {} | {} | {} |\n", fmt::join(counters, "` `"), unit, level, meaning);
}

}  // namespace

std::vector<Quantile> quantiles_of(const Figure& figure) {
  std::vector<Quantile> quantiles;
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    if ((figure.quantiles >> i & 1) != 0) quantiles.push_back(kQuantiles[i]);
  }
  return quantiles;
}

std::vector<std::string> counters_of(const Figure& figure) {
  if (!figure.is_distribution()) return {std::string(figure.name)};
  std::vector<std::string> names;
  for (const Quantile& quantile : quantiles_of(figure))
    names.push_back(fmt::format("{}{}", figure.name, quantile.suffix));
  return names;
}

double value_of(const Quantile& quantile, const Histogram& histogram) {
  return quantile.fraction == 1 ? static_cast<double>(histogram.max()) : histogram.quantile(quantile.fraction);
}

std::string figures_as_json() {
  ordered_json figures = ordered_json::array();
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) figures.push_back(to_json(figure, topic.name));
  }
  for (const EventFigure& figure : event_figures()) figures.push_back(to_json(figure));
  // One line per figure, so that a diff shows which one changed.
  std::string text = "{\"figures\": [\n";
  for (std::size_t i = 0; i < figures.size(); ++i) {
    text += fmt::format("  {}{}\n", figures[i].dump(), i + 1 == figures.size() ? "" : ",");
  }
  return text + "]}\n";
}

std::string figures_as_markdown(CellKind kind) {
  std::string text = "| counter | unit | level | meaning |\n|---|---|---|---|\n";
  for (const FigureTopic& topic : figure_topics()) {
    for (const Figure& figure : topic.figures) {
      const bool everywhere = has(figure.cells, CellKind::measured);
      if (!has(figure.cells, kind) || (everywhere && kind != CellKind::measured)) continue;
      text += row(counters_of(figure), unit_name(figure.unit), to_string(figure.level), figure.meaning);
    }
  }
  if (kind != CellKind::measured) return text;
  for (const EventFigure& figure : event_figures()) {
    text += row({fmt::format("<event>{}", figure.suffix)}, unit_name(Unit::count), to_string(Instrumentation::none),
                figure.meaning);
  }
  return text;
}

}  // namespace shadowwalk
