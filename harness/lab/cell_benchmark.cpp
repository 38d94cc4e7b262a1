#include "harness/lab/cell_benchmark.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <string_view>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/cell_summary.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

/// Collects the JSON, whatever else is printed.
class CollectingReporter final : public benchmark::BenchmarkReporter {
 public:
  CollectingReporter() {
    json_.SetOutputStream(&collected_);
    json_.SetErrorStream(&collected_);
  }
  bool ReportContext(const Context& context) override { return json_.ReportContext(context); }
  void ReportRuns(const std::vector<Run>& runs) override { json_.ReportRuns(runs); }
  void Finalize() override { json_.Finalize(); }
  std::string collected() const { return collected_.str(); }

 private:
  std::ostringstream collected_;
  benchmark::JSONReporter json_;
};

void initialize(const std::vector<std::string>& flags) {
  static char executable[] = "shadowwalk cell";  // Google Benchmark keeps the pointer
  std::vector<std::string> arguments = flags;
  std::vector<char*> argv{executable};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) throw InputError(fmt::format("unknown option '{}'; try 'shadowwalk cell --help'", argv[1]));
}

/// Google Benchmark writes NaN, which is no JSON, for aggregates that are none, as the variation of what is always 0.
/// They become absent.
nlohmann::json parse_collected(std::string collected) {
  for (const std::string_view no_number : {"NaN", "-NaN", "Infinity", "-Infinity"}) {
    const std::string value = fmt::format("\": {}", no_number);
    for (std::size_t at = 0; (at = collected.find(value, at)) != std::string::npos;) {
      collected.replace(at, value.size(), "\": null");
    }
  }
  nlohmann::json document = nlohmann::json::parse(collected);
  for (auto& entry : document["benchmarks"]) {
    for (auto field = entry.begin(); field != entry.end();) field = field->is_null() ? entry.erase(field) : ++field;
  }
  return document;
}

/// Puts what is not a number beside the entry of its repetition.
std::string with_details(const std::string& collected, std::vector<CellResult>& results) {
  nlohmann::json document = parse_collected(collected);
  std::size_t next = 0;
  for (auto& entry : document["benchmarks"]) {
    if (entry.value("run_type", "") != "iteration" || entry.contains("error_occurred")) continue;
    if (next < results.size()) entry["shadowwalk"] = std::move(results[next++].details);
  }
  return document.dump(1) + "\n";
}

}  // namespace

CellOutcome run_cell_benchmark(const CellConfig& config, const std::vector<std::string>& benchmark_flags,
                               bool summary) {
  initialize(benchmark_flags);
  check_cell(config);
  for (const auto& [name, value] : result_context()) benchmark::AddCustomContext(name, value);

  CellOutcome outcome;
  std::vector<CellResult> results;
  const VariantEntry& variant = Registry::instance().at(config.variant);
  benchmark::RegisterBenchmark(
      config.name.c_str(),
      [&](benchmark::State& state) {
        for (auto _ : state) {
          try {
            CellResult result =
                variant.is_reference() ? variant.measure_cell(config) : make_result(config, run_cell(config));
            state.SetIterationTime(result.manual_time_ns / 1e9);
            for (const auto& [name, value] : result.counters) state.counters[name] = value;
            if (const auto perturbed = result.details.find("perturbed"); perturbed != result.details.end()) {
              state.SetLabel(fmt::format("perturbed: {}", perturbed->get<std::string>()));
            }
            if (summary) print_summary(config, result);
            const auto violations = result.counters.find("violations");
            if (variant.info.safe && violations != result.counters.end() && violations->second != 0) {
              outcome.caught_unsafe = true;
            }
            results.push_back(std::move(result));
          } catch (const CellError& error) {
            outcome.error = error.what();
            state.SkipWithError(error.what());
            break;
          }
        }
      })
      ->Iterations(1)
      ->UseManualTime();

  CollectingReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  outcome.json = with_details(reporter.collected(), results);
  return outcome;
}

}  // namespace shadowwalk
