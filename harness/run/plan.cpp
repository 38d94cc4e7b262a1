#include "harness/run/plan.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <set>

#include "harness/machine/error.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::run {
namespace {

constexpr const char* kFormat = "shadowwalk-run-1";

/// Calls `visit(request)` for each point of the group's cross product; the last axis turns fastest.
template <typename Visit>
void for_each_point(const std::vector<Axis>& axes, Visit visit) {
  std::vector<std::size_t> index(axes.size(), 0);
  while (true) {
    CellRequest request;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      axes[i].option->copy(request.config, axes[i].values[index[i]]);
      request.given.insert(axes[i].option->key);
    }
    visit(std::move(request));
    std::size_t axis = axes.size();
    while (axis > 0 && ++index[axis - 1] == axes[axis - 1].values.size()) index[--axis] = 0;
    if (axis == 0) return;
  }
}

/// The options that differ within the tables of group `name`, in the order of the option table: they belong into names.
std::vector<std::string_view> varied_options(const Matrix& matrix, const std::string& name) {
  std::vector<std::string_view> varied;
  for (const CellOption& option : cell_options()) {
    std::set<std::string> values;
    for (const Group& group : matrix.groups) {
      if (group.name != name) continue;
      const auto axis = std::find_if(group.axes.begin(), group.axes.end(),
                                     [&](const Axis& candidate) { return candidate.option == &option; });
      if (axis == group.axes.end()) {
        values.insert(option.text(CellRequest().config));
      } else {
        for (const CellConfig& value : axis->values) values.insert(option.text(value));
      }
    }
    if (values.size() > 1) varied.push_back(option.key);
  }
  return varied;
}

std::vector<PlannedCell> expand(const Matrix& matrix) {
  std::vector<PlannedCell> cells;
  std::set<std::pair<std::string, std::vector<std::string>>> seen;
  for (const Group& group : matrix.groups) {
    const auto varied = varied_options(matrix, group.name);
    for_each_point(group.axes, [&](CellRequest request) {
      if (!seen.emplace(group.name, command_line(request)).second) return;
      std::string name = cell_name(request.config, varied);
      cells.push_back({.id = 0, .group = group.name, .name = std::move(name), .request = std::move(request)});
    });
  }
  return cells;
}

void apply_filter(std::vector<PlannedCell>& cells, const std::string& filter) {
  const RE2 pattern(filter, RE2::Quiet);  // linear in the length of a name, whatever the expression
  if (!pattern.ok()) {
    throw InputError{fmt::format("--filter '{}' is not a regular expression: {}; quote characters like ( [ * with \\",
                                 filter.substr(0, 60), pattern.error().substr(0, 60))};
  }
  const std::string example = cells.empty() ? "" : fmt::format("{}/{}", cells.front().group, cells.front().name);
  std::erase_if(cells, [&](const PlannedCell& cell) {
    return !RE2::PartialMatch(cell.name, pattern) && !RE2::PartialMatch(cell.group + "/" + cell.name, pattern);
  });
  if (cells.empty()) {
    throw InputError{
        fmt::format("--filter '{}' matches no cell; their names look like {}", filter.substr(0, 60), example)};
  }
}

/// A number below `bound`, without bias. std::uniform_int_distribution may differ between standard libraries.
std::uint64_t draw_below(std::mt19937_64& generator, std::uint64_t bound) {
  const std::uint64_t unbiased = (UINT64_MAX / bound) * bound;
  std::uint64_t value = generator();
  while (value >= unbiased) value = generator();
  return value % bound;
}

}  // namespace

std::vector<Measurement> interleaved_order(int cells, int repetitions, std::uint64_t seed) {
  std::mt19937_64 generator{seed};
  std::vector<int> ids(static_cast<std::size_t>(cells));
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<Measurement> order;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[draw_below(generator, i)]);
    for (const int id : ids) order.push_back({.cell = id, .repetition = repetition});
  }
  return order;
}

Plan make_plan(const Matrix& matrix, const PlanRequest& request) {
  Plan plan;
  plan.title = matrix.title;
  plan.repetitions = request.repetitions.value_or(matrix.repetitions);
  if (plan.repetitions < 1 || plan.repetitions > kMaxRepetitions) {
    throw InputError{fmt::format("--repetitions is {}; it must be from 1 to {}", plan.repetitions, kMaxRepetitions)};
  }
  plan.seed = request.seed ? *request.seed : std::random_device{}();
  plan.filter = request.filter;
  plan.matrix_file = matrix.file;
  plan.matrix_text = matrix.text;
  plan.version = SHADOWWALK_VERSION;
  plan.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                             fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  plan.cells = expand(matrix);
  if (!request.filter.empty()) apply_filter(plan.cells, request.filter);
  if (plan.cells.size() * static_cast<std::uint64_t>(plan.repetitions) > kMaxMeasurements) {
    throw InputError{fmt::format("{} cells x {} repetitions are more than the limit of {}; lower --repetitions",
                                 plan.cells.size(), plan.repetitions, kMaxMeasurements)};
  }
  for (std::size_t i = 0; i < plan.cells.size(); ++i) plan.cells[i].id = static_cast<int>(i);
  plan.order = interleaved_order(static_cast<int>(plan.cells.size()), plan.repetitions, plan.seed);
  return plan;
}

nlohmann::ordered_json to_json(const Plan& plan) {
  auto cells = nlohmann::ordered_json::array();
  for (const PlannedCell& cell : plan.cells) {
    cells.push_back({{"id", cell.id}, {"group", cell.group}, {"name", cell.name}, {"options", to_json(cell.request)}});
  }
  auto order = nlohmann::ordered_json::array();
  for (const Measurement& measurement : plan.order) {
    order.push_back(nlohmann::ordered_json::array({measurement.cell, measurement.repetition}));
  }
  auto plugins = nlohmann::ordered_json::array();
  for (const PlannedPlugin& plugin : plan.plugins) {
    plugins.push_back({{"file", plugin.file}, {"build_id", plugin.build_id}});
  }
  nlohmann::ordered_json document = {{"format", kFormat},
                                     {"title", plan.title},
                                     {"seed", plan.seed},
                                     {"repetitions", plan.repetitions},
                                     {"filter", plan.filter},
                                     {"shadowwalk_version", plan.version},
                                     {"shadowwalk_build_id", plan.build_id},
                                     {"started", plan.started},
                                     {"matrix", {{"file", plan.matrix_file}, {"text", plan.matrix_text}}},
                                     {"plugins", std::move(plugins)},
                                     {"cells", std::move(cells)},
                                     {"order", std::move(order)}};
  if (!plan.rounds.empty()) document["rounds"] = plan.rounds;
  return document;
}

namespace {

PlannedCell read_cell(const JsonValue& value, int id) {
  PlannedCell cell;
  cell.id = value.at("id").number<int>();
  if (cell.id != id) value.at("id").wrong("is not its place: cells are numbered 0, 1, ...");
  cell.group = value.at("group").text();
  cell.name = value.at("name").text();
  cell.request = cell_request_from_json(value.at("options"));
  for (const CellOption& option : cell_options()) {
    if (option.required() && !cell.request.has(option.key)) value.at("options").at(option.key);
  }
  return cell;
}

Plan read_plan(const JsonValue& document) {
  if (document.at("format").text() != kFormat) document.at("format").wrong(fmt::format("is not {}", kFormat));
  Plan plan;
  plan.title = document.at("title").text();
  plan.seed = document.at("seed").number<std::uint64_t>();
  plan.repetitions = document.at("repetitions").number(1, kMaxRepetitions);
  plan.filter = document.at("filter").raw_text();
  plan.version = document.at("shadowwalk_version").text();
  if (const auto build_id = document.find("shadowwalk_build_id")) plan.build_id = build_id->text();
  plan.started = document.at("started").text();
  plan.matrix_file = document.at("matrix").at("file").raw_text();
  plan.matrix_text = document.at("matrix").at("text").raw_text();
  if (const auto plugins = document.find("plugins")) {
    for (const JsonValue& plugin : plugins->elements()) {
      plan.plugins.push_back({.file = plugin.at("file").raw_text(), .build_id = plugin.at("build_id").text()});
    }
  }
  for (const JsonValue& cell : document.at("cells").elements()) {
    plan.cells.push_back(read_cell(cell, static_cast<int>(plan.cells.size())));
  }
  if (const auto rounds = document.find("rounds")) {
    for (const JsonValue& round : rounds->elements()) {
      plan.rounds.push_back(
          round.number<std::size_t>(plan.rounds.empty() ? 1 : plan.rounds.back() + 1, kMaxMeasurements));
    }
  }
  std::set<Measurement> seen;
  for (const JsonValue& value : document.at("order").elements()) {
    const bool is_added = !plan.rounds.empty() && plan.order.size() >= plan.rounds.front();
    const std::vector<JsonValue> pair = value.elements();
    if (pair.size() != 2) value.wrong("is no pair of a cell and a repetition");
    const Measurement measurement{.cell = pair[0].number(0, static_cast<int>(plan.cells.size()) - 1),
                                  .repetition = pair[1].number(0, (is_added ? kMaxRepetitions : plan.repetitions) - 1)};
    if (!seen.insert(measurement).second) value.wrong("is there twice");
    plan.order.push_back(measurement);
  }
  if (plan.order.empty() || plan.order.size() > kMaxMeasurements) {
    document.at("order").wrong(fmt::format("has {} measurements, not 1 to {}", plan.order.size(), kMaxMeasurements));
  }
  if (!plan.rounds.empty() && plan.rounds.back() >= plan.order.size()) {
    document.at("rounds").wrong("has a place behind the end of order");
  }
  return plan;
}

}  // namespace

Plan plan_from_text(std::string_view text, const std::string& where) {
  try {
    const nlohmann::json document = parse_json(text);
    return read_plan(JsonValue(document));
  } catch (const InputError& error) {
    throw InputError{
        fmt::format("{}: not the plan of a shadowwalk run ({}); choose another directory", where, error.what())};
  }
}

std::optional<std::string> difference(const Plan& recorded, const Plan& requested,
                                      std::optional<std::uint64_t> requested_seed) {
  if (recorded.repetitions != requested.repetitions) {
    return fmt::format("repetitions were {}, now {}", recorded.repetitions, requested.repetitions);
  }
  if (requested_seed && *requested_seed != recorded.seed) {
    return fmt::format("the seed was {}, now {}", recorded.seed, *requested_seed);
  }
  if (recorded.filter != requested.filter) {
    return fmt::format("the filter was '{}', now '{}'", recorded.filter, requested.filter);
  }
  if (recorded.plugins != requested.plugins) {
    const auto names = [](const std::vector<PlannedPlugin>& plugins) {
      std::vector<std::string> parts;
      for (const PlannedPlugin& plugin : plugins) {
        parts.push_back(fmt::format("{} (build {})", plugin.file, plugin.build_id.empty() ? "?" : plugin.build_id));
      }
      return parts.empty() ? std::string("none") : fmt::format("{}", fmt::join(parts, ", "));
    };
    return fmt::format("plug-ins were {}, now {}", names(recorded.plugins), names(requested.plugins));
  }
  const std::size_t common = std::min(recorded.cells.size(), requested.cells.size());
  for (std::size_t i = 0; i < common; ++i) {
    const PlannedCell& was = recorded.cells[i];
    const PlannedCell& now = requested.cells[i];
    if (was.group != now.group || was.name != now.name || !(was.request == now.request)) {
      return fmt::format("cell {} was {}/{} ({}), now {}/{} ({})", i, was.group, was.name, to_json(was.request).dump(),
                         now.group, now.name, to_json(now.request).dump());
    }
  }
  if (recorded.cells.size() != requested.cells.size()) {
    return fmt::format("the run has {} cells, the matrix {}", recorded.cells.size(), requested.cells.size());
  }
  return std::nullopt;
}

}  // namespace shadowwalk::run
