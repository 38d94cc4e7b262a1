#include "harness/lab/cell_benchmark.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/result_document.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

constexpr unsigned kMostRepetitions = 1'000'000;

[[noreturn]] void refuse(std::string_view flag, std::string_view value, std::string_view wanted) {
  throw InputError(fmt::format("cell: --benchmark_{}={}: {}", flag, value, wanted));
}

bool parse_bool(std::string_view flag, std::string_view value) {
  for (const char* yes : {"", "true", "1", "yes", "on"}) {
    if (value == yes) return true;
  }
  for (const char* no : {"false", "0", "no", "off"}) {
    if (value == no) return false;
  }
  refuse(flag, value, "give it true or false");
}

void set_repetitions(BenchmarkFlags& flags, std::string_view value) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), flags.repetitions);
  const bool is_number = error == std::errc{} && end == value.data() + value.size();
  if (!is_number || flags.repetitions == 0 || flags.repetitions > kMostRepetitions) {
    refuse("repetitions", value, fmt::format("give it a number from 1 to {}", kMostRepetitions));
  }
}

void add_context(BenchmarkFlags& flags, std::string_view pairs) {
  while (!pairs.empty()) {
    const std::string_view pair = pairs.substr(0, pairs.find(','));
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string_view::npos) refuse("context", pair, "give it KEY=VALUE[,KEY=VALUE ...]");
    flags.context[std::string(pair.substr(0, equals))] = pair.substr(equals + 1);
    pairs.remove_prefix(std::min(pairs.size(), pair.size() + 1));
  }
}

struct Flag {
  std::string_view name;  ///< after --benchmark_
  void (*set)(BenchmarkFlags& flags, std::string_view value);
};
constexpr Flag kFlags[] = {
    {"repetitions", set_repetitions},
    {"report_aggregates_only",
     [](BenchmarkFlags& flags, std::string_view value) {
       flags.aggregates_only = parse_bool("report_aggregates_only", value);
     }},
    {"out",
     [](BenchmarkFlags& flags, std::string_view value) {
       if (value.empty()) refuse("out", value, "give it a file");
       flags.out = value;
     }},
    {"out_format",
     [](BenchmarkFlags& /*flags*/, std::string_view value) {
       if (value != "json") refuse("out_format", value, "a cell's result is JSON");
     }},
    {"format",
     [](BenchmarkFlags& /*flags*/, std::string_view value) {
       if (value != "console") refuse("format", value, "a cell prints a summary; --json - prints the result as JSON");
     }},
    {"context", add_context},
};

bool set_flag(BenchmarkFlags& flags, std::string_view argument) {
  constexpr std::string_view kPrefix = "--benchmark_";
  if (!argument.starts_with(kPrefix)) return false;
  argument.remove_prefix(kPrefix.size());
  const std::string_view name = argument.substr(0, argument.find('='));
  for (const Flag& flag : kFlags) {
    if (flag.name != name) continue;
    flag.set(flags, argument.substr(std::min(argument.size(), name.size() + 1)));
    return true;
  }
  return false;
}

Repetition run_once(const PreparedCell& cell) {
  try {
    if (cell.reference != nullptr) return {.result = cell.reference->measure(cell)};
    return {.result = make_result(cell.config, run_cell(cell))};
  } catch (const CellError& error) {
    return {.result = {}, .error = error.what()};
  }
}

}  // namespace

BenchmarkFlags parse_benchmark_flags(std::span<const std::string> arguments) {
  BenchmarkFlags flags;
  for (const std::string& argument : arguments) {
    if (set_flag(flags, argument)) continue;
    const bool is_benchmarks = argument.starts_with("--benchmark_");
    throw InputError(
        fmt::format("{} '{}'; try 'shadowwalk cell --help'",
                    is_benchmarks ? "cell: of Google Benchmark's flags, a cell takes --benchmark_repetitions, "
                                    "--benchmark_report_aggregates_only, --benchmark_context and --benchmark_out, not"
                                  : "unknown option",
                    argument));
  }
  return flags;
}

CellOutcome run_cell_benchmark(const PreparedCell& cell, const BenchmarkFlags& flags, bool summary) {
  CellOutcome outcome;
  std::vector<Repetition> repetitions;
  for (unsigned i = 0; i < flags.repetitions; ++i) {
    const Repetition& repetition = repetitions.emplace_back(run_once(cell));
    if (!repetition.error.empty()) {
      outcome.error = repetition.error;
      continue;
    }
    if (summary) print_summary(cell.config, repetition.result);
    const auto violations = repetition.result.counters.find("violations");
    if (cell.variant->info.safe && violations != repetition.result.counters.end() && violations->second != 0) {
      outcome.caught_unsafe = true;
    }
  }
  outcome.json = to_text({.executable = "shadowwalk cell",
                          .context = flags.context,
                          .aggregates_only = flags.aggregates_only,
                          .cells = {{cell.config.name, std::move(repetitions)}}});
  return outcome;
}

}  // namespace shadowwalk
