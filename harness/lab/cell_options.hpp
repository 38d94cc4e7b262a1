#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/cell_config.hpp"

/// The options of a cell: one row per option. `shadowwalk cell` and `project`, a matrix, run.json, a cell's name, the
/// command line that runs it again and `cell` in its result all read this table. All functions are pure and
/// thread-safe.
namespace shadowwalk {

/// One option of a cell: where its value is in a CellConfig, and how the value is read and written.
struct CellOption {
  enum class Kind {
    variant,   ///< a name, see KnownNames
    workload,  ///< a name or a file, see KnownNames
    number,    ///< a whole number from `minimum` to `maximum`
    time,      ///< 2s, 500ms, 50us, 100ns or 0, of `minimum` nanoseconds or more
    events,    ///< as harness/measure/pmu/event_list.hpp reads them
    word,      ///< anything else: `accepted` says what
  };

  std::string_view key;  ///< in a matrix, in run.json and, after `--`, on the command line
  Kind kind = Kind::word;
  std::string_view help{};  ///< what it does, in one line
  /// Kind::word, and others that take words: what values look like, for messages; "a|b" are the only ones.
  std::string_view accepted{};
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
  std::string_view field{};     ///< its key in the result's `cell`; empty: it is not there, or something else writes it
  std::string_view label{};     ///< what a cell's name calls it; empty: the key, with `_` for `-`
  bool always_named = false;    ///< a cell's name always holds it, and not only where a matrix varies it
  bool named_if_given = false;  ///< a cell's name holds it unless it has its default
  /// A knob of the contestant and no condition of the contest: cells that differ in such options alone have the same
  /// setting (reports/shadowwalk_report/setting.py).
  bool of_scheme = false;
  std::string_view not_simulated{};  ///< why `shadowwalk project` refuses it; empty: it does not

  /// Stores what a text says; false: the text is no value, and nothing changed. Null for times and numbers, unless a
  /// word may stand in place of the number.
  bool (*read)(CellConfig& config, std::string_view text) = nullptr;
  /// Kind::number and Kind::time: stores a value that is in range. Null for the others.
  void (*store)(CellConfig& config, std::int64_t value) = nullptr;
  /// The value as the command line takes it.
  std::string (*text)(const CellConfig& config) = nullptr;
  /// The value in run.json: a number where it is one, else text().
  nlohmann::json (*in_plan)(const CellConfig& config) = nullptr;
  /// The value in the result's `cell`; null: absent.
  nlohmann::json (*in_result)(const CellConfig& config) = nullptr;
  /// Copies the value, and nothing else.
  void (*copy)(CellConfig& to, const CellConfig& from) = nullptr;

  /// It has no default: variant and workload.
  bool required() const { return kind == Kind::variant || kind == Kind::workload; }
};

/// Every option, in the order of the cell's command line. The defaults are those of CellRequest.
const std::vector<CellOption>& cell_options();

/// The row for `key`, or nullptr.
const CellOption* find_cell_option(std::string_view key);

/// The `cell` object of a result (docs/result-format.md): what was asked for, after defaults.
nlohmann::json describe_cell(const CellConfig& config);

}  // namespace shadowwalk
