#include "harness/run/plan.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "harness/machine/error.hpp"
#include "harness/run/plan_cells.hpp"
#include "harness/text/json_reader.hpp"

namespace shadowwalk::run {
namespace {

constexpr const char* kFormat = "shadowwalk-run-1";

/// A number below `bound`, without bias. std::uniform_int_distribution may differ between standard libraries.
std::uint64_t draw_below(std::mt19937_64& generator, std::uint64_t bound) {
  const std::uint64_t unbiased = (UINT64_MAX / bound) * bound;
  std::uint64_t value = generator();
  while (value >= unbiased) value = generator();
  return value % bound;
}

template <class T>
void shuffle(std::vector<T>& items, std::mt19937_64& generator) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[draw_below(generator, i)]);
}

}  // namespace

std::vector<Measurement> interleaved_order(std::span<const int> settings, int repetitions, std::uint64_t seed) {
  std::mt19937_64 generator{seed};
  std::map<int, std::vector<int>> cells_of;
  for (std::size_t i = 0; i < settings.size(); ++i) cells_of[settings[i]].push_back(static_cast<int>(i));
  std::vector<std::vector<int>> groups;
  for (auto& [setting, cells] : cells_of) groups.push_back(std::move(cells));
  std::vector<Measurement> order;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    shuffle(groups, generator);
    for (std::vector<int>& cells : groups) {
      shuffle(cells, generator);
      for (const int id : cells) order.push_back({.cell = id, .repetition = repetition});
    }
  }
  return order;
}

Plan make_plan(const Matrix& matrix, const PlanRequest& request, const PlanHost& host) {
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
  Expansion expansion = expand(matrix, host);
  if (!request.filter.empty()) keep_matching(expansion, request.filter);
  leave_out_copies(expansion);
  std::vector<int> settings;
  std::map<std::string, int> number_of;
  for (PlannableCell& cell : expansion.cells) {
    const int next = static_cast<int>(number_of.size());
    settings.push_back(number_of.emplace(setting_of(cell.decided), next).first->second);
    if (cell.room) {
      if (!plan.scale) plan.scale.emplace();
      plan.scale->add(cell.decided.vcpus, *cell.room);
    }
    plan.cells.push_back(std::move(cell.planned));
  }
  plan.notices = std::move(expansion.notices);
  if (plan.cells.size() * static_cast<std::uint64_t>(plan.repetitions) > kMaxMeasurements) {
    throw InputError{fmt::format("{} cells x {} repetitions are more than the limit of {}; lower --repetitions",
                                 plan.cells.size(), plan.repetitions, kMaxMeasurements)};
  }
  for (std::size_t i = 0; i < plan.cells.size(); ++i) plan.cells[i].id = static_cast<int>(i);
  plan.order = interleaved_order(settings, plan.repetitions, plan.seed);
  return plan;
}

namespace {

nlohmann::ordered_json to_json(const VcpuNumbers& scale) {
  auto rooms = nlohmann::ordered_json::array();
  for (const HostRoom& host : scale.rooms) {
    rooms.push_back({{"placement", host.placement},
                     {"reserved", host.reserved},
                     {"llc", host.room.llc},
                     {"socket", host.room.package},
                     {"max", host.room.all}});
  }
  return {{"vcpus", scale.vcpus}, {"reserved", scale.reserved}, {"rooms", std::move(rooms)}};
}

}  // namespace

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
  if (plan.scale) document["scale"] = to_json(*plan.scale);
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

VcpuNumbers read_scale(const JsonValue& value) {
  const auto most = static_cast<unsigned>(find_cell_option("vcpus")->maximum);
  constexpr unsigned kMostCpus = 1u << 20;
  const auto reserved = [&](const JsonValue& object) { return object.at("reserved").number(0u, reserved_cpus(most)); };
  VcpuNumbers scale{.vcpus = {}, .reserved = reserved(value), .rooms = {}};
  for (const JsonValue& number : value.at("vcpus").elements()) {
    scale.vcpus.push_back(number.number(1u, most));
    if (scale.vcpus.size() > 1 && scale.vcpus.rbegin()[1] >= scale.vcpus.back()) number.wrong("is out of order");
  }
  for (const JsonValue& room : value.at("rooms").elements()) {
    scale.rooms.push_back({.placement = room.at("placement").text(),
                           .reserved = reserved(room),
                           .room = {.llc = room.at("llc").number(1u, kMostCpus),
                                    .package = room.at("socket").number(1u, kMostCpus),
                                    .all = room.at("max").number(1u, kMostCpus)}});
  }
  return scale;
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
  if (const auto scale = document.find("scale")) plan.scale = read_scale(*scale);
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
