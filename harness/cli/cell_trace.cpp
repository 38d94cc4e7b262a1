#include "harness/cli/cell_trace.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "harness/machine/error.hpp"
#include "harness/run/files.hpp"
#include "harness/timeline/chrome_trace.hpp"

namespace shadowwalk::cli {
namespace {

std::filesystem::path checked(const std::string& path, const BenchmarkFlags& flags) {
  if (flags.repetitions > 1) {
    throw InputError(
        "cell: --trace records one cell: leave out --benchmark_repetitions, or run the command once per trace");
  }
  if (path == "-" || path.empty()) throw InputError("cell: --trace writes a file: give it a name");
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path)) {
    throw InputError(fmt::format("cell: --trace {} is there and no plain file; give another name", path));
  }
  run::require_space(std::filesystem::absolute(path).parent_path(), 1);
  return path;
}

}  // namespace

CellTrace::CellTrace(CellConfig& config, const std::string& path, std::size_t records, const BenchmarkFlags& flags)
    : path_(checked(path, flags)), recorder_(records) {
  config.timeline = &recorder_;
}

void CellTrace::write(const CellConfig& config) const {
  run::write_file_atomically(path_, timeline::to_chrome_trace(recorder_, "shadowwalk cell " + config.name,
                                                              {{"cell", config.name}, {"command", config.command}}));
  const auto dropped = timeline::dropped_by_probe(recorder_);
  if (dropped.empty()) return;
  std::string text;
  for (const auto& [probe, count] : dropped) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, probe);
  fmt::print(stderr, "shadowwalk: --trace: the oldest records were dropped ({}); --trace-records {} keeps more\n", text,
             recorder_.records() * 2);
}

}  // namespace shadowwalk::cli
