#include "harness/projection/document.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <ctime>
#include <thread>

namespace shadowwalk::projection {
namespace {

using nlohmann::json;

json context() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  json context = {{"date", fmt::format("{:%FT%T%z}", fmt::localtime(std::time(nullptr)))},
                  {"host_name", host.data()},
                  {"executable", "shadowwalk project"},
                  {"num_cpus", std::thread::hardware_concurrency()}};
  for (const auto& [name, value] : result_context()) context[name] = value;
  return context;
}

json in_json(const HostComparison& held) {
  json rows = json::array();
  for (const HostComparison::Row& row : held.rows) {
    rows.push_back({{"vcpus", row.vcpus},
                    {"simulated_ratio", row.simulated_ratio},
                    {"measured_ratio", row.measured_ratio},
                    {"measured_least", row.measured_least},
                    {"measured_greatest", row.measured_greatest},
                    {"error_percent", row.error_percent()}});
  }
  return rows;
}

}  // namespace

std::string make_document(std::vector<Entry> entries, const HostComparison* held) {
  json document = {{"context", context()}, {"benchmarks", json::array()}};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CellResult& result = entries[i].result;
    json entry = {{"name", entries[i].name + "/iterations:1/manual_time"},
                  {"family_index", i},
                  {"per_family_instance_index", 0},
                  {"run_name", entries[i].name + "/iterations:1/manual_time"},
                  {"run_type", "iteration"},
                  {"repetitions", 1},
                  {"repetition_index", 0},
                  {"threads", 1},
                  {"iterations", 1},
                  {"real_time", result.manual_time_ns},
                  {"cpu_time", result.manual_time_ns},
                  {"time_unit", "ns"}};
    for (const auto& [name, value] : result.counters) entry[name] = value;
    if (held != nullptr) {
      result.details["simulated"]["held_against_host"] = in_json(*held);
      if (!held->missing.empty()) result.details["unavailable"]["held_against_host"] = held->missing;
    } else {
      result.details["unavailable"]["held_against_host"] = "--rounds 0: the model was not held against this host";
    }
    entry["shadowwalk"] = std::move(result.details);
    document["benchmarks"].push_back(std::move(entry));
  }
  return document.dump(1) + "\n";
}

}  // namespace shadowwalk::projection
