#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/os/file_descriptor.hpp"
#include "harness/run/disturbances.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/stored_result.hpp"

/// The result store: a directory as docs/result-format.md describes it ("A run directory").
namespace shadowwalk::run {

enum class Status { kPending, kMeasured, kFailed };

/// Why a measurement has no result.
struct Failure {
  std::string status;  ///< refused, failed, crashed or watchdog
  std::string reason;  ///< one line
  int exit_code = -1;  ///< -1: ended by `signal`
  int signal = 0;
  std::vector<std::string> console{};  ///< the end of the console of the virtual machine whose kernel crashed or hung
  std::string command;                 ///< runs the cell again; for a POSIX shell
};

/// The content of a failure's file; nothing if it is not a complete record. Its texts can be shown on a terminal. Pure.
std::optional<Failure> failure_from_text(std::string_view text);
/// The reverse, for a measurement.
std::string to_text(const Measurement& measurement, const Failure& failure);

/// What became of a child's result.
struct Acceptance {
  enum class Kind { kStored, kSetAside, kRefused } kind = Kind::kStored;
  std::string problem{};                     ///< kRefused: why it is no result
  std::vector<std::string> noise_reasons{};  ///< of a noisy result
};

/// One run directory, locked for this process while the object lives. Not thread-safe. run.json is written last when a
/// directory is created, and every file appears at once, so that after kill -9 at any moment the directory is either
/// no run yet or a run whose finished measurements are complete. Every member that writes throws InputError when the
/// disk does not take it.
class RunDirectory {
 public:
  /// Creates the directory (parents too) and writes the plan. `observe_host`: makes run.json's `host`, once nothing
  /// but a full disk can go wrong; null: there is none. Throws InputError when it holds a run or foreign files, or
  /// cannot be written; what was created is then removed again.
  static RunDirectory create(const std::filesystem::path& path, Plan plan,
                             const std::function<nlohmann::ordered_json()>& observe_host = {});

  /// Opens a run to continue it; removes what a killed child left. Throws InputError when it holds no run or
  /// another process works in it.
  static RunDirectory open(const std::filesystem::path& path);

  /// True if `path` holds a plan, so that it can be resumed or reported.
  static bool is_run(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// The command line that continues the run; for a POSIX shell.
  std::string resume_command() const;
  const Plan& plan() const { return plan_; }
  Status status(const Measurement& measurement) const;
  /// Results that count, by measurement.
  const std::map<Measurement, StoredResult>& results() const { return results_; }
  /// Failures of measurements that have no result, by measurement.
  const std::map<Measurement, Failure>& failures() const { return failures_; }
  std::size_t measured() const { return results_.size(); }

  /// Empties the scratch folder, checks that a result fits on the disk, and returns the path that the next child
  /// must write.
  std::filesystem::path prepare_scratch();

  /// Moves the child's result to its place if it is a result: JSON with at least one entry, and none in error. One that
  /// is noisy is set aside instead, unless the measurement has `retry_noisy` of these already or saw violations, which
  /// no second try may hide: then it is still pending. What is no result is left in the scratch folder.
  Acceptance accept_result(const Measurement& measurement, const std::filesystem::path& scratch,
                           unsigned retry_noisy = 0);

  Disturbances disturbances() const { return count_disturbances(results_, set_aside_); }

  /// Adds repetitions to the plan, which run.json records before any of them is measured.
  void add_round(const std::vector<Measurement>& round);

  void record_failure(const Measurement& measurement, const Failure& failure);

  /// Removes the scratch folder.
  void clean();

 private:
  RunDirectory(std::filesystem::path path, os::FileDescriptor lock) : path_{std::move(path)}, lock_{std::move(lock)} {}
  void load_results();
  std::filesystem::path result_path(const Measurement& measurement) const;
  std::filesystem::path failure_path(const Measurement& measurement) const;
  unsigned times_set_aside(const Measurement& measurement) const;
  /// Of a noisy result that does not count, from 1.
  std::filesystem::path noisy_path(const Measurement& measurement, unsigned number) const;

  std::filesystem::path path_;
  os::FileDescriptor lock_;
  Plan plan_;
  nlohmann::ordered_json document_;  ///< run.json
  std::map<Measurement, StoredResult> results_;
  std::map<Measurement, Failure> failures_;
  std::map<Measurement, unsigned> set_aside_;  ///< how many noisy results do not count
};

}  // namespace shadowwalk::run
