#include "harness/lab/result_document.hpp"

#include <benchmark/benchmark.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_paging.hpp"
#include "harness/host/processor.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/pmu/availability.hpp"

namespace shadowwalk {
namespace {

std::string cpu_model() {
  const std::string model = host::cpu_model(os::HostFiles());
  return model.empty() ? "unknown" : model;
}

std::string kernel() {
  utsname name{};
  uname(&name);
  return fmt::format("{} {}", name.release, name.machine);
}

std::string available_or(const std::string& reason) { return reason.empty() ? "available" : "unavailable: " + reason; }

using nlohmann::json;

/// As Google Benchmark writes it: 2012-06-01T12:00:00+02:00.
std::string now() {
  std::string text = fmt::format("{:%FT%T%z}", fmt::localtime(std::time(nullptr)));
  return text.insert(text.size() - 2, ":");
}

json describe_caches(const benchmark::CPUInfo& cpu) {
  json caches = json::array();
  for (const auto& cache : cpu.caches) {
    caches.push_back(
        {{"type", cache.type}, {"level", cache.level}, {"size", cache.size}, {"num_sharing", cache.num_sharing}});
  }
  return caches;
}

/// Google Benchmark's own, then ours.
json make_context(const ResultDocument& document) {
  const benchmark::CPUInfo& cpu = benchmark::CPUInfo::Get();
  json context = {{"date", now()},
                  {"host_name", benchmark::SystemInfo::Get().name},
                  {"executable", document.executable},
                  {"num_cpus", cpu.num_cpus},
                  {"mhz_per_cpu", std::llround(cpu.cycles_per_second / 1e6)},
                  {"caches", describe_caches(cpu)},
                  {"load_avg", cpu.load_avg}};
  if (cpu.scaling != benchmark::CPUInfo::UNKNOWN) {
    context["cpu_scaling_enabled"] = cpu.scaling == benchmark::CPUInfo::ENABLED;
  }
  for (const auto& [name, value] : document.context) context[name] = value;
  for (const auto& [name, value] : result_context()) context[name] = value;
  return context;
}

/// What Google Benchmark calls a benchmark of one iteration with a time of its own.
std::string run_name(const std::string& cell) { return cell + "/iterations:1/manual_time"; }

/// Times of an entry. The format wants a CPU time: that of the thread that waits for a cell says nothing.
void set_time(json& entry, double time) {
  entry["real_time"] = time;
  entry["cpu_time"] = time;
  entry["time_unit"] = "ns";
}

json make_entry(Repetition& repetition) {
  json entry = {{"run_type", "iteration"}, {"iterations", 1}};
  if (!repetition.error.empty()) {
    entry["error_occurred"] = true;
    entry["error_message"] = repetition.error;
    set_time(entry, 0);
    return entry;
  }
  set_time(entry, repetition.result.manual_time_ns);
  for (const auto& [name, value] : repetition.result.counters) entry[name] = value;
  if (const auto perturbed = repetition.result.details.find("perturbed");
      perturbed != repetition.result.details.end()) {
    entry["label"] = fmt::format("perturbed: {}", perturbed->get<std::string>());
  }
  return entry;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Of a sample; 0 for a single value.
double standard_deviation(const std::vector<double>& values) {
  if (values.size() == 1) return 0;
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

struct Aggregate {
  std::string_view name;
  std::string_view unit;
  double (*of)(const std::vector<double>&);
};
constexpr Aggregate kAggregates[] = {
    {"mean", "time", mean},
    {"median", "time", [](const std::vector<double>& values) { return median(values); }},
    {"stddev", "time", standard_deviation},
    {"cv", "percentage", [](const std::vector<double>& values) { return standard_deviation(values) / mean(values); }}};

/// `entries`: of the repetitions that could finish.
json make_aggregate(const Aggregate& aggregate, const std::vector<const Repetition*>& finished) {
  std::map<std::string, std::vector<double>> values;
  std::vector<double> times;
  for (const Repetition* repetition : finished) {
    for (const auto& [name, value] : repetition->result.counters) values[name].push_back(value);
    times.push_back(repetition->result.manual_time_ns);
  }
  json entry = {{"run_type", "aggregate"},
                {"aggregate_name", aggregate.name},
                {"aggregate_unit", aggregate.unit},
                {"iterations", finished.size()}};
  const double time = aggregate.of(times);
  set_time(entry, std::isfinite(time) ? time : 0);  // the format has no entry without a time
  for (const auto& [name, of_name] : values) {
    if (const double value = aggregate.of(of_name); std::isfinite(value)) entry[name] = value;
  }
  return entry;
}

/// The entries of one cell.
std::vector<json> make_entries(const std::string& cell, std::vector<Repetition>& repetitions, bool aggregates_only) {
  std::vector<json> entries;
  std::vector<json> aggregates;
  std::vector<const Repetition*> finished;
  for (const Repetition& repetition : repetitions) {
    if (repetition.error.empty()) finished.push_back(&repetition);
  }
  if (finished.size() > 1) {
    for (const Aggregate& aggregate : kAggregates) {
      aggregates.push_back(make_aggregate(aggregate, finished));
      aggregates.back()["name"] = fmt::format("{}_{}", run_name(cell), aggregate.name);
    }
  }
  if (!aggregates_only || aggregates.empty()) {
    for (std::size_t i = 0; i < repetitions.size(); ++i) {
      entries.push_back(make_entry(repetitions[i]));
      entries.back()["name"] = run_name(cell);
      entries.back()["repetition_index"] = i;
      if (repetitions[i].error.empty()) entries.back()["shadowwalk"] = std::move(repetitions[i].result.details);
    }
  }
  entries.insert(entries.end(), aggregates.begin(), aggregates.end());
  return entries;
}

}  // namespace

std::map<std::string, std::string> result_context() {
  std::string host = fmt::format("{}/{}/{}", cpu_model(), std::thread::hardware_concurrency(), kernel());
  // One host with another MMU is another host: its exits and faults cost something else.
  const std::string no_kvm = kvm_unavailable_reason();
  const std::string paging = no_kvm.empty() ? kvm_paging().name : "";
  if (!paging.empty()) host += "/" + paging;
  return {{"shadowwalk_version", SHADOWWALK_VERSION},
          {"shadowwalk_build", SHADOWWALK_BUILD},
          {"shadowwalk_compiler", SHADOWWALK_COMPILER},
          {"cpu_model", cpu_model()},
          {"kernel", kernel()},
          {"clock", CycleClock::describe()},
          {"clock_read_ns", fmt::format("{:.1f}", CycleClock::read_cost_ns())},
          {"kvm", available_or(no_kvm)},
          {"kvm_paging", paging.empty() ? "unknown" : paging},
          {"pmu", available_or(pmu::unavailable_reason())},
          {"host_id", fmt::format("{:016x}", std::hash<std::string>{}(host))}};
}

std::string to_text(ResultDocument document) {
  json object = {{"context", make_context(document)}, {"benchmarks", json::array()}};
  for (std::size_t family = 0; family < document.cells.size(); ++family) {
    auto& [cell, repetitions] = document.cells[family];
    for (json& entry : make_entries(cell, repetitions, document.aggregates_only)) {
      entry["run_name"] = run_name(cell);
      entry["family_index"] = family;
      entry["per_family_instance_index"] = 0;
      entry["repetitions"] = repetitions.size();
      entry["threads"] = 1;
      object["benchmarks"].push_back(std::move(entry));
    }
  }
  return object.dump(1, ' ', true, json::error_handler_t::replace) + "\n";
}

}  // namespace shadowwalk
