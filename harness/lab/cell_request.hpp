#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/cell_options.hpp"

/// One cell as it is asked for, by a command line, a matrix or run.json. All functions are pure and thread-safe.
namespace shadowwalk {

class JsonValue;

/// The names that options may hold. Passed in, so that options can be read without linking variants and workloads.
struct KnownNames {
  std::vector<std::string> variants;
  std::vector<std::string> workloads;
  /// Words that stand for several variants in a matrix, and these variants: `all`, and each family.
  std::map<std::string, std::vector<std::string>, std::less<>> variant_groups = {};
  /// What is wrong with a workload that is a file (`./mine.toml`, `trace:FILE`); nothing if it is sound.
  std::function<std::optional<std::string>(std::string_view file)> check_workload_file = {};
};

/// The values of a cell's options and which of them were given: an option that was not given may still follow the
/// workload or the host (working set, zappers, guest, read delay).
struct CellRequest {
  CellRequest() { config.guest = GuestKind::automatic; }

  CellConfig config;
  std::set<std::string_view> given;  ///< keys of cell_options()

  bool has(std::string_view key) const { return given.contains(key); }
  /// The same options are given, with the same values.
  friend bool operator==(const CellRequest& a, const CellRequest& b);
};

/// Takes the value of an option from text, as a command line has it. Returns what is wrong with it, in one line that
/// also says what would be right; the request is then unchanged. Without `known`, any variant and workload will do.
std::optional<std::string> give(CellRequest& request, const CellOption& option, std::string_view text,
                                const KnownNames* known = nullptr);
/// The same from a number, as TOML and JSON have it.
std::optional<std::string> give(CellRequest& request, const CellOption& option, std::int64_t number);

/// `--variant irq-ipi --vcpus 2 ...`: what was given, in the table's order.
std::vector<std::string> command_line(const CellRequest& request);

/// What was given as run.json holds it: numbers are numbers, all else is text.
nlohmann::ordered_json to_json(const CellRequest& request);
/// The reverse; names are not checked. Throws InputError if an option is unknown or a value is not one of it.
CellRequest cell_request_from_json(const JsonValue& options);

/// `<variant>/<workload>/vcpus:N/zappers:M/zap_rate:R/burst:K/guest:G/placement:P`, as entries of a result are called,
/// followed by `/<option>:<value>` for each key of `more_keys` that this name does not already hold. `guest`: in place
/// of the config's, if not empty.
std::string cell_name(const CellConfig& config, const std::vector<std::string_view>& more_keys = {},
                      std::string_view guest = {});

/// Whether a workload is a file (`./mine.toml`, `trace:FILE`) and not a name.
bool is_file_or_trace(std::string_view workload);

/// Warm-up and measured window of a cell together.
inline std::chrono::nanoseconds measuring_time(const CellConfig& config) { return config.duration + config.warmup; }

}  // namespace shadowwalk
