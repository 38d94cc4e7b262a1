#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
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

/// What this host and the lab decide of a plan. Passed in, so that plans can be made without linking variants,
/// workloads and KVM. An empty function decides nothing.
struct PlanHost {
  /// Decides, as prepare_cell() does, what follows the workload and the host: zappers, working set, guest. Returns what
  /// a user should know of it, in one line, or nothing.
  std::function<std::string(CellRequest&)> decide = {};
  /// Why a cell cannot be measured, of which decide() has decided; empty: it can.
  std::function<std::string(const CellRequest&)> why_not = {};
  /// The room for vCPUs of a placement beside so many reserved CPUs; empty: this host's.
  std::function<VcpuRoom(const std::string& placement, unsigned reserved)> room_beside = {};
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
  std::optional<VcpuNumbers> scale;  ///< none: the matrix gives each number itself
  std::vector<std::string> notices;  ///< decisions that a user should know of, a line each; not recorded
};

struct PlanRequest {
  std::optional<int> repetitions;     ///< in place of the matrix's
  std::optional<std::uint64_t> seed;  ///< none: a random one
  std::string filter;
};

/// Expands the groups as the host decides, keeps the cells whose name or `group/name` the filter finds, leaves out
/// copies (plan_cells.hpp), and draws the order. Throws InputError: bad numbers, a filter that is no regular expression
/// or finds nothing, more than kMaxMeasurements, no cell for this host.
Plan make_plan(const Matrix& matrix, const PlanRequest& request, const PlanHost& host = {});

/// `settings[i]`: the number of cell i's setting. In each repetition settings are in a random order, and the cells of a
/// setting, which are compared, next to each other in a random order: drift of the host (frequency, neighbours) spreads
/// over all settings, and a pair sees little of it. The same arguments give the same order everywhere.
std::vector<Measurement> interleaved_order(std::span<const int> settings, int repetitions, std::uint64_t seed);

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
