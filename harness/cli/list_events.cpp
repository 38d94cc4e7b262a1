#include "harness/cli/list_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/microarchitecture.hpp"
#include "harness/measure/pmu/pfm.hpp"

namespace shadowwalk::cli {
namespace {

using nlohmann::ordered_json;

std::vector<pmu::CatalogEntry> matching(const std::string& pattern) {
  std::regex regex;
  try {
    regex = std::regex(pattern, std::regex::ECMAScript | std::regex::icase);
  } catch (const std::regex_error& error) {
    throw InputError(fmt::format("list events: '{}' is no regular expression: {}", pattern, error.what()));
  }
  auto catalog = pmu::event_catalog([&](std::string_view name, std::string_view source) {
    return std::regex_search(name.begin(), name.end(), regex) || std::regex_search(source.begin(), source.end(), regex);
  });
  if (catalog.empty()) throw InputError(fmt::format("list events: no event looks like '{}'", pattern));
  return catalog;
}

ordered_json to_json(const std::vector<pmu::CatalogEntry>& catalog) {
  ordered_json list = ordered_json::array();
  for (const pmu::CatalogEntry& entry : catalog) {
    ordered_json item = {{"name", entry.name}, {"source", entry.source}, {"summary", entry.description}};
    if (!entry.caveat.empty()) item["caveat"] = entry.caveat;
    item["available"] = entry.unavailable.empty();
    if (!entry.unavailable.empty()) item["reason"] = entry.unavailable;
    list.push_back(std::move(item));
  }
  return list;
}

/// Reasons are long and few: rows bear a number, and the end says what each means.
class Reasons {
 public:
  std::string mark(const std::string& reason) {
    if (reason.empty()) return "yes";
    auto found = std::find(reasons_.begin(), reasons_.end(), reason);
    if (found == reasons_.end()) found = reasons_.insert(reasons_.end(), reason);
    return fmt::format("no [{}]", found - reasons_.begin() + 1);
  }
  void print() const {
    for (std::size_t i = 0; i < reasons_.size(); ++i) fmt::print("[{}] {}\n", i + 1, reasons_[i]);
  }

 private:
  std::vector<std::string> reasons_;
};

void print(const std::vector<pmu::CatalogEntry>& catalog) {
  const auto core = pmu::core_pmu();
  fmt::print("CPU: {}; libpfm4: {}\n", to_string(pmu::this_microarchitecture()),
             core ? fmt::format("{} ({})", core->name, core->description) : "knows no core PMU here");
  Reasons reasons;
  std::string source;
  for (const pmu::CatalogEntry& entry : catalog) {
    if (entry.source != source) fmt::print("\n{}\n", source = entry.source);
    fmt::print("  {:<8} {}\n", reasons.mark(entry.unavailable), entry.name);
    if (!entry.description.empty()) fmt::print("           {}\n", entry.description);
    if (!entry.caveat.empty()) fmt::print("           note: {}\n", entry.caveat);
  }
  fmt::print("\nThe first column: whether the event can be counted for a thread here.\n");
  reasons.print();
  fmt::print(
      "Beside these: tracepoints as SYSTEM:EVENT (kvm:kvm_exit), and PMU/TERM=VALUE,.../ as perf spells them.\n"
      "Modifiers :u :k :h :G pick user, kernel, hypervisor and guest; hardware events count user code by default.\n");
}

}  // namespace

void list_events(const std::string& pattern, bool as_json) {
  const std::vector<pmu::CatalogEntry> catalog = matching(pattern);
  if (as_json) {
    fmt::print("{}\n", to_json(catalog).dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    print(catalog);
  }
}

}  // namespace shadowwalk::cli
