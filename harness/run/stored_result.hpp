#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the runner reads of a result (docs/result-format.md): whether it is one, and how the cell was disturbed.
namespace shadowwalk::run {

struct StoredResult {
  /// The `error_message` of its first entry in error, as it is, or another reason why it is no result; empty: it is
  /// one.
  std::string problem;
  bool emulated = false;  ///< it has no times
  bool noisy = false;     ///< these, if any of its entries is flagged so
  bool saturated = false;
  bool oversubscribed = false;
  bool has_violations = false;
  std::vector<std::string> noise_reasons{};  ///< of all its entries; can be shown on a terminal
  std::map<std::string, double> counters{};  ///< of kRoundCounters, those that its first entry has

  bool is_result() const { return problem.empty(); }
};

/// The counters by whose spread a run with a time budget adds repetitions.
inline constexpr const char* kRoundCounters[] = {"walk_ns_mean", "walks_per_second"};

/// Reads a result that may be damaged or anyone's. Pure.
StoredResult read_result(std::string_view text);
/// The same of a file; `problem` also says why it cannot be read.
StoredResult read_result_file(const std::filesystem::path& file);

}  // namespace shadowwalk::run
