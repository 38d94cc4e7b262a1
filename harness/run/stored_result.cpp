#include "harness/run/stored_result.hpp"

#include <nlohmann/json.hpp>

#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/text/json_reader.hpp"
#include "harness/text/text_file.hpp"

namespace shadowwalk::run {
namespace {

using nlohmann::json;

/// A member of an object; a null value if there is none, or `value` is no object.
const json& member(const json& value, const char* key) {
  static const json none;
  const auto found = value.find(key);
  return found == value.end() ? none : *found;
}

void read_disturbances(const json& details, StoredResult& result) {
  for (const json& flag : member(details, "flags")) {
    result.emulated |= flag == "emulated";
    result.noisy |= flag == "noisy";
    result.saturated |= flag == "saturated";
    result.oversubscribed |= flag == "oversubscribed";
  }
  for (const json& reason : member(member(details, "noise"), "reasons")) {
    if (reason.is_string()) result.noise_reasons.push_back(os::printable(reason.get<std::string>()));
  }
}

void read_counters(const json& entry, StoredResult& result) {
  const json& violations = member(entry, "violations");
  result.has_violations |= violations.is_number() && violations.get<double>() > 0;
  for (const char* name : kRoundCounters) {
    const json& value = member(entry, name);
    if (value.is_number()) result.counters.try_emplace(name, value.get<double>());
  }
}

StoredResult no_result(std::string problem) {
  StoredResult result;
  result.problem = std::move(problem);
  return result;
}

}  // namespace

StoredResult read_result(std::string_view text) {
  json document;
  try {
    document = parse_json(text);
  } catch (const InputError&) {
    return no_result("its result is not valid JSON");
  }
  const json& entries = member(document, "benchmarks");
  if (!entries.is_array()) return no_result("its result has no benchmarks");
  if (entries.empty()) return no_result("its result holds no entry");
  StoredResult result;
  for (const json& entry : entries) {
    if (!entry.is_object()) return no_result("its result holds an entry that is no object");
    if (member(entry, "error_occurred") == true) {
      const json& message = member(entry, "error_message");
      return no_result(message.is_string() ? message.get<std::string>() : "its entry is in error");
    }
    read_disturbances(member(entry, "shadowwalk"), result);
    read_counters(entry, result);
  }
  return result;
}

StoredResult read_result_file(const std::filesystem::path& file) {
  try {
    return read_result(read_text_file(file, "result", kMostJsonBytes));
  } catch (const InputError& error) {
    return no_result(error.what());
  }
}

}  // namespace shadowwalk::run
