#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/lab/cell_result.hpp"
#include "harness/projection/host_comparison.hpp"

namespace shadowwalk::projection {

/// A simulated cell's place in a document.
struct Entry {
  std::string name;
  CellResult result;
};

/// Google Benchmark JSON as docs/result-format.md has it, one entry a cell. `held`: what the model is worth, which
/// stands in each entry; null if nobody asked.
std::string make_document(std::vector<Entry> entries, const HostComparison* held);

}  // namespace shadowwalk::projection
