#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/lab/cell_result.hpp"

/// The file of docs/result-format.md: Google Benchmark's JSON, with more in each entry. It is written here and nowhere
/// else.
namespace shadowwalk {

/// One repetition of a cell.
struct Repetition {
  CellResult result;
  std::string error{};  ///< why it could not finish, in which case it has no result; empty if it did
};

struct ResultDocument {
  std::string executable;                      ///< the verb that made it
  std::map<std::string, std::string> context;  ///< what the user wants the context to hold besides
  bool aggregates_only = false;                ///< of a cell with several repetitions
  std::vector<std::pair<std::string, std::vector<Repetition>>> cells;  ///< by name
};

/// One entry per repetition, then, of a cell with several, their mean, median, stddev and cv. An aggregate holds the
/// counters that any repetition has; what is no number, like the variation of what is always 0, is absent.
std::string to_text(ResultDocument document);

/// What the result's context says of this machine and build besides Google Benchmark's own, as strings.
std::map<std::string, std::string> result_context();

}  // namespace shadowwalk
