#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "harness/lab/cell_benchmark.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/timeline/recorder.hpp"

namespace shadowwalk::cli {

/// `shadowwalk cell --trace FILE`: records one cell and writes its timeline when it is over.
class CellTrace {
 public:
  /// Before the cell starts threads; sets `config`'s recorder. Throws InputError: a path that cannot be written, a
  /// cell that is repeated.
  CellTrace(CellConfig& config, const std::string& path, std::size_t records, const BenchmarkFlags& flags);

  /// When the cell is over: the file, as a whole or not at all, and one line on stderr if records were dropped.
  void write(const CellConfig& config) const;

 private:
  const std::filesystem::path path_;
  timeline::Recorder recorder_;
};

}  // namespace shadowwalk::cli
