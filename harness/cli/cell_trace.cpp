#include "harness/cli/cell_trace.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "harness/timeline/chrome_trace.hpp"

namespace shadowwalk::cli {
namespace {

/// As Google Benchmark hears of it, from a flag or from the environment.
bool is_repeated(const std::vector<std::string>& benchmark_flags) {
  constexpr std::string_view kFlag = "--benchmark_repetitions=";
  const char* const environment = std::getenv("BENCHMARK_REPETITIONS");
  std::string repetitions = environment == nullptr ? "1" : environment;
  for (const std::string& flag : benchmark_flags) {
    if (flag.starts_with(kFlag)) repetitions = flag.substr(kFlag.size());
  }
  return std::strtol(repetitions.c_str(), nullptr, 10) > 1;
}

std::filesystem::path checked(const std::string& path, const std::vector<std::string>& benchmark_flags) {
  if (is_repeated(benchmark_flags)) {
    throw InputError(
        "cell: --trace is of one cell: leave out --benchmark_repetitions, or run the command once a trace");
  }
  if (path == "-" || path.empty()) throw InputError("cell: --trace writes a file: give it a name");
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    throw InputError(fmt::format("cell: --trace {} is there and no plain file; give another name", path));
  }
  os::require_space(std::filesystem::absolute(path).parent_path(), 1);
  return path;
}

}  // namespace

CellTrace::CellTrace(CellConfig& config, const std::string& path, std::size_t records,
                     const std::vector<std::string>& benchmark_flags)
    : path_(checked(path, benchmark_flags)), recorder_(records) {
  config.timeline = &recorder_;
}

void CellTrace::write(const CellConfig& config) const {
  os::write_file_atomically(path_, timeline::to_chrome_trace(recorder_, "shadowwalk cell " + config.name,
                                                             {{"cell", config.name}, {"command", config.command}}));
  const auto dropped = timeline::dropped_by_probe(recorder_);
  if (dropped.empty()) return;
  std::string text;
  for (const auto& [probe, count] : dropped) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, probe);
  fmt::print(stderr, "shadowwalk: --trace: the oldest records were dropped ({}); --trace-records {} keeps more\n", text,
             recorder_.records() * 2);
}

}  // namespace shadowwalk::cli
