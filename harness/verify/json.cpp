#include "harness/verify/json.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/machine/error.hpp"

namespace shadowwalk::verify {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using simulation::Site;

constexpr int kFormat = 1;
constexpr const char* kFormatKey = "shadowwalk_schedule";

std::string_view name_of(simulation::MemoryModel memory) {
  return std::ranges::find(simulation::kMemoryModels, memory, [](const auto& entry) { return entry.second; })->first;
}

/// Reads members of a file's objects; what is wrong with them is an InputError.
class Reader {
 public:
  Reader(const std::string& path, const json& object, std::string where)
      : path_(path), object_(object), where_(std::move(where)) {
    if (!object.is_object()) wrong("", "is no object");
  }

  template <class T>
  T get(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) wrong(key, "is missing");
    try {
      return found->template get<T>();
    } catch (const json::exception&) {
      wrong(key, "is of another type");
    }
  }
  unsigned number(const char* key, unsigned least, unsigned most) const {
    const auto value = get<std::int64_t>(key);
    if (value < least || value > most) {
      wrong(key, "is " + std::to_string(value) + ", not " + std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<unsigned>(value);
  }
  /// The entry of `table` that the member names.
  template <class Table, class Name>
  const auto& entry(const char* key, const Table& table, Name name) const {
    const auto text = get<std::string>(key);
    const auto found = std::ranges::find(table, std::string_view(text), name);
    if (found == std::ranges::end(table)) wrong(key, "is \"" + text + "\", which is unknown");
    return *found;
  }
  bool has(const char* key) const { return object_.contains(key); }
  Reader object(const char* key) const {
    if (!has(key)) wrong(key, "is missing");
    return {path_, object_.at(key), where_ + key + "."};
  }
  [[noreturn]] void wrong(const std::string& key, const std::string& what) const {
    const std::string name = where_ + key;
    throw InputError(path_ + ": " + (name.empty() ? "the file" : name) + " " + what +
                     "; `shadowwalk verify --save` writes such files");
  }

 private:
  const std::string& path_;
  const json& object_;
  const std::string where_;
};

VerifyConfig read_setting(const Reader& reader) {
  VerifyConfig config;
  config.walkers = reader.number("walkers", 1, kMostWalkers);
  config.zappers = reader.number("zappers", 1, kMostZappers);
  config.walks = reader.number("walks", 1, kMostTurns);
  config.zaps = reader.number("zaps", 1, kMostTurns);
  config.pages = reader.number("pages", kFewestPages, kMostPages);
  config.zap_all = reader.get<bool>("zap_all");
  config.faults = reader.get<bool>("faults");
  config.guest = reader.get<bool>("guest");
  config.memory = reader.entry("memory", simulation::kMemoryModels, [](const auto& row) { return row.first; }).second;
  if (reader.has("weakened")) {
    const Reader site = reader.object("weakened");
    config.weakened = {
        .file = site.get<std::string>("file"),
        .line = site.get<unsigned>("line"),
        .kind = site.entry("kind", simulation::kSiteKinds, [](const auto& row) { return row.second; }).first};
  }
  if (reader.has("mutant")) {
    config.mutant = reader.entry("mutant", mutants(), &MutantInfo::name).mutant;
  }
  return config;
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

SavedSchedule load_schedule(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw InputError(path + ": cannot be read");
  const json document = json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) throw InputError(path + ": is no JSON; `shadowwalk verify --save` writes such files");
  const Reader reader(path, document, "");
  if (const auto format = reader.get<int>(kFormatKey); format != kFormat) {
    reader.wrong(kFormatKey, "is " + std::to_string(format) + ": this build reads " + std::to_string(kFormat));
  }
  return {.variant = reader.get<std::string>("variant"),
          .config = read_setting(reader.object("setting")),
          .goes_wrong = reader.get<std::string>("goes_wrong"),
          .steps = reader.get<std::vector<std::string>>("steps")};
}

ordered_json to_json(const Report& report) {
  ordered_json object = {{"executions", report.executions},
                         {"redundant", report.redundant},
                         {"longest_steps", report.longest},
                         {"exhausted", report.exhausted},
                         {"seconds", report.seconds}};
  if (report.covered_preemptions) object["covered_preemptions"] = *report.covered_preemptions;
  if (report.failure) object["goes_wrong"] = report.failure->what;
  return object;
}

ordered_json to_json(const Trial& trial) {
  ordered_json object = {{"verdict", in_words(trial.verdict)}};
  if (trial.site) object["site"] = to_json(*trial.site);
  if (trial.mutant != nullptr) {
    object["mutant"] = trial.mutant->name;
    object["bug"] = trial.mutant->bug;
    object["file"] = trial.mutant->where;
    if (!trial.mutant->commit.empty()) object["linux_commit"] = trial.mutant->commit;
    object["setting"] = to_json(trial.config);
  }
  if (trial.run) object["run"] = to_json(*trial.run);
  return object;
}

ordered_json to_json(const Story& story, const Failure& failure) {
  ordered_json lines = ordered_json::array();
  for (const Story::Line& line : story.lines) {
    ordered_json buffers = ordered_json::object();
    for (std::size_t i = 0; i < line.buffers.size(); ++i) {
      if (!line.buffers[i].empty()) buffers[story.cpus[i]] = line.buffers[i];
    }
    lines.push_back({{"cpu", story.cpus[line.cpu]}, {"does", line.text}, {"store_buffers", buffers}});
  }
  return {{"goes_wrong", story.what},
          {"preemptions", failure.preemptions},
          {"fewest_preemptions", failure.fewest_preemptions},
          {"switches", failure.switches},
          {"story", lines},
          {"steps", story.steps}};
}

}  // namespace shadowwalk::verify
