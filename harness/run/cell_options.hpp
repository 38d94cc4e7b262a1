#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The options of `shadowwalk cell` as a matrix may set them: one table of names, types and ranges, so that a
/// matrix of hours is checked in full before its first cell starts. All functions are pure and thread-safe.
namespace shadowwalk::run {

/// The names that only upper floors know. Passed in, so that a matrix can be checked without linking the lab.
struct KnownNames {
  std::vector<std::string> variants;
  std::vector<std::string> workloads;
  /// What is wrong with a workload that is a file (`./mine.toml`), in words; nothing if it is sound.
  std::function<std::optional<std::string>(std::string_view file)> check_workload_file = {};
};

enum class OptionType { kVariant, kWorkload, kInteger, kDuration, kChoice, kPattern, kEvents };

/// The value of an option that is not asked for, where the workload's own then holds.
inline constexpr std::string_view kAsTheWorkloadSays = "workload";

/// One option of a cell. `key` is its spelling in a matrix, on the command line (less `--`) and in run.json.
struct CellOption {
  std::string_view key;
  OptionType type;
  /// What the cell takes when it is not given, always a valid value; empty: it must be given.
  std::string_view fallback;
  std::int64_t minimum = 0;     ///< kInteger
  std::int64_t maximum = 0;     ///< kInteger
  std::string_view accepted{};  ///< kChoice: values separated by `|`; kPattern: how a value looks, for messages
  std::string_view pattern{};   ///< kPattern: ECMAScript regular expression of the whole value
  std::string_view help{};      ///< what it does, for `shadowwalk cell --help`
};

/// Values by option key, as text. Only options that the matrix sets: the rest is left to the cell's own defaults.
using CellOptions = std::map<std::string, std::string, std::less<>>;

/// Every option that a matrix may set, in the order of the cell's command line.
const std::vector<CellOption>& cell_option_table();

/// The table's row for `key`, or nullptr.
const CellOption* find_cell_option(std::string_view key);

/// What is wrong with `value` for `option`, in words that also say what would be right; nothing if it is valid.
std::optional<std::string> check_value(const CellOption& option, std::string_view value, const KnownNames& known);

/// The value that the cell will use: the one of `options` or the cell's default.
std::string_view effective_value(const CellOptions& options, std::string_view key);

/// `--variant irq-ipi --vcpus 2 ...`, in the table's order.
std::vector<std::string> command_line(const CellOptions& options);

/// `<variant>/<workload>/vcpus:N/zappers:M/zap_rate:R/burst:K/guest:G/placement:P`, as entries of a result are called,
/// followed by `/<option>:<value>` for each key of `more_keys` that this name does not already hold.
std::string cell_name(const CellOptions& options, const std::vector<std::string>& more_keys);

/// Warm-up and measured window of a cell together.
std::chrono::nanoseconds measuring_time(const CellOptions& options);

}  // namespace shadowwalk::run
