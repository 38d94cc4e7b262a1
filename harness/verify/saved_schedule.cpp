#include "harness/verify/saved_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/machine/error.hpp"
#include "harness/text/json_reader.hpp"
#include "harness/text/text_file.hpp"
#include "harness/verify/mutants.hpp"

namespace shadowwalk::verify {
namespace {

using nlohmann::ordered_json;
using simulation::Site;

constexpr int kFormat = 1;
constexpr const char* kFormatKey = "shadowwalk_schedule";

std::string_view name_of(simulation::MemoryModel memory) {
  return std::ranges::find(simulation::kMemoryModels, memory, [](const auto& entry) { return entry.second; })->first;
}

/// The entry of `table` that the value names.
template <class Table, class Name>
const auto& entry(const JsonValue& value, const Table& table, Name name) {
  const std::string text = value.text();
  const auto found = std::ranges::find(table, std::string_view(text), name);
  if (found == std::ranges::end(table)) {
    value.wrong(fmt::format("is \"{}\", which is unknown", text));
  }
  return *found;
}

VerifyConfig read_setting(const JsonValue& setting) {
  VerifyConfig config;
  config.walkers = setting.at("walkers").number(1u, kMostWalkers);
  config.zappers = setting.at("zappers").number(1u, kMostZappers);
  config.walks = setting.at("walks").number(1u, kMostTurns);
  config.zaps = setting.at("zaps").number(1u, kMostTurns);
  config.pages = setting.at("pages").number(kFewestPages, kMostPages);
  config.zap_all = setting.at("zap_all").flag();
  config.faults = setting.at("faults").flag();
  config.guest = setting.at("guest").flag();
  config.memory =
      entry(setting.at("memory"), simulation::kMemoryModels, [](const auto& row) { return row.first; }).second;
  if (const auto site = setting.find("weakened")) {
    config.weakened = {
        .file = site->at("file").text(),
        .line = site->at("line").number<unsigned>(),
        .kind = entry(site->at("kind"), simulation::kSiteKinds, [](const auto& row) { return row.second; }).first};
  }
  if (const auto mutant = setting.find("mutant")) config.mutant = entry(*mutant, mutants(), &MutantInfo::name).mutant;
  return config;
}

SavedSchedule read_schedule(const JsonValue& document) {
  const JsonValue format = document.at(kFormatKey);
  if (const int number = format.number<int>(); number != kFormat) {
    format.wrong(fmt::format("is {}: this build reads {}", number, kFormat));
  }
  SavedSchedule saved{.variant = document.at("variant").text(),
                      .config = read_setting(document.at("setting")),
                      .goes_wrong = document.at("goes_wrong").text(),
                      .steps = {}};
  const JsonValue steps = document.at("steps");
  for (const JsonValue& step : steps.elements()) saved.steps.push_back(step.text());
  if (saved.steps.empty()) steps.wrong("is empty: no schedule that goes wrong is that short");
  return saved;
}

}  // namespace

ordered_json to_json(const Site& site) {
  return {{"kind", in_words(site.kind)}, {"file", site.file}, {"line", site.line}};
}

ordered_json to_json(const VerifyConfig& config) {
  ordered_json object = {{"walkers", config.walkers}, {"zappers", config.zappers}, {"walks", config.walks},
                         {"zaps", config.zaps},       {"pages", config.pages},     {"zap_all", config.zap_all},
                         {"faults", config.faults},   {"guest", config.guest},     {"memory", name_of(config.memory)}};
  if (config.weakened) object["weakened"] = to_json(*config.weakened);
  if (config.mutant) object["mutant"] = info_of(*config.mutant).name;
  return object;
}

ordered_json to_json(const SavedSchedule& saved) {
  return {{kFormatKey, kFormat},
          {"variant", saved.variant},
          {"setting", to_json(saved.config)},
          {"goes_wrong", saved.goes_wrong},
          {"steps", saved.steps}};
}

SavedSchedule schedule_from_text(std::string_view text, const std::string& file) {
  try {
    const nlohmann::json document = parse_json(text);
    return read_schedule(JsonValue(document));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}; `shadowwalk verify --save` writes such files", file, error.what()));
  }
}

SavedSchedule load_schedule(const std::string& file) {
  return schedule_from_text(read_text_file(file, "schedule", kMostJsonBytes), file);
}

}  // namespace shadowwalk::verify
