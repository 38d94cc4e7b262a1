#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/matrix.hpp"

/// What a run will measure and in which order: made once from a matrix and written to run.json, which is authoritative
/// from then on.
namespace shadowwalk::run {

struct PlannedCell {
  int id = 0;  ///< its index in Plan::cells
  std::string group;
  std::string name;
  CellRequest request;
};

/// One repetition of one cell: the unit that is executed, stored, and never repeated once finished.
struct Measurement {
  int cell = 0;        ///< PlannedCell::id
  int repetition = 0;  ///< 0-based
  friend auto operator<=>(const Measurement&, const Measurement&) = default;
};

/// A module with variants that cells of the plan need.
struct PlannedPlugin {
  std::string file;      ///< absolute
  std::string build_id;  ///< of the file when the run was begun; empty: it has none
  friend bool operator==(const PlannedPlugin&, const PlannedPlugin&) = default;
};

struct Plan {
  std::string title;
  std::uint64_t seed = 0;
  int repetitions = 0;
  std::string filter;       ///< of --filter; empty: none
  std::string matrix_file;  ///< where the matrix was read
  std::string matrix_text;  ///< the matrix as read
  std::string version;      ///< of shadowwalk, when the run was started
  std::string build_id;     ///< of its executable; empty: it has none
  std::string started;      ///< ISO 8601, UTC
  std::vector<PlannedPlugin> plugins;
  std::vector<PlannedCell> cells;
  std::vector<Measurement> order;
  /// Places in `order` at which each round of repetitions begins that the run added to the matrix's (rounds.hpp).
  std::vector<std::size_t> rounds;
};

struct PlanRequest {
  std::optional<int> repetitions;     ///< in place of the matrix's
  std::optional<std::uint64_t> seed;  ///< none: a random one
  std::string filter;
};

/// Expands the groups, keeps the cells whose name or `group/name` the filter finds, and draws the order. Throws
/// InputError: bad numbers, a filter that is no regular expression or finds nothing, more than kMaxMeasurements.
Plan make_plan(const Matrix& matrix, const PlanRequest& request);

/// All cells of repetition 0 in random order, then all of repetition 1 in another: drift of the host (frequency,
/// neighbours) spreads over all cells instead of over the last ones. The same seed gives the same order everywhere.
std::vector<Measurement> interleaved_order(int cells, int repetitions, std::uint64_t seed);

/// The content of run.json.
nlohmann::ordered_json to_json(const Plan& plan);

/// The reverse, of the text of run.json. Throws InputError that names `where` when it is not a plan of this format, or
/// one that no matrix makes.
Plan plan_from_text(std::string_view text, const std::string& where);

/// The first difference between a newly requested plan and the recorded one, in words; nothing if they are the same.
/// A seed is compared only when `requested_seed` was given.
std::optional<std::string> difference(const Plan& recorded, const Plan& requested,
                                      std::optional<std::uint64_t> requested_seed);

}  // namespace shadowwalk::run
