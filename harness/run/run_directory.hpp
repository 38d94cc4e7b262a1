#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/os/file_descriptor.hpp"
#include "harness/run/plan.hpp"

/// The result store: a directory as docs/result-format.md describes it ("A run directory").
namespace shadowwalk::run {

enum class Status { kPending, kMeasured, kFailed };

/// Why a measurement has no result.
struct Failure {
  std::string status;  ///< refused, failed, crashed or watchdog
  std::string reason;  ///< one line
  int exit_code = -1;  ///< -1: ended by `signal`
  int signal = 0;
  std::string command;  ///< runs the cell again; for a POSIX shell
};

/// The content of a failure's file; nothing if it is not a complete record. Its texts can be shown on a terminal. Pure.
std::optional<Failure> failure_from_text(std::string_view text);
/// The reverse, for a measurement.
std::string to_text(const Measurement& measurement, const Failure& failure);

/// One run directory, locked for this process while the object lives. Not thread-safe. run.json is written last when a
/// directory is created, and every file appears at once, so that after kill -9 at any moment the directory is either
/// no run yet or a run whose finished measurements are complete. Every member that writes throws InputError when the
/// disk does not take it.
class RunDirectory {
 public:
  /// Creates the directory (parents too) and writes the plan. Throws InputError when it holds a run or foreign files,
  /// or cannot be written; what was created is then removed again.
  static RunDirectory create(const std::filesystem::path& path, Plan plan);

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
  /// Failures of measurements that have no result, by measurement.
  const std::map<Measurement, Failure>& failures() const { return failures_; }
  std::size_t measured() const { return measured_; }

  /// Empties the scratch folder, checks that a result fits on the disk, and returns the path that the next child
  /// must write.
  std::filesystem::path prepare_scratch();

  /// Moves the child's result to its place if it is a result: JSON with at least one entry, and none in error.
  /// Otherwise returns what is wrong with it and leaves it in the scratch folder.
  std::optional<std::string> accept_result(const Measurement& measurement, const std::filesystem::path& scratch);

  void record_failure(const Measurement& measurement, const Failure& failure);

  /// Removes the scratch folder.
  void clean();

 private:
  RunDirectory(std::filesystem::path path, os::FileDescriptor lock) : path_{std::move(path)}, lock_{std::move(lock)} {}
  void load_results();
  std::filesystem::path result_path(const Measurement& measurement) const;
  std::filesystem::path failure_path(const Measurement& measurement) const;

  std::filesystem::path path_;
  os::FileDescriptor lock_;
  Plan plan_;
  std::map<Measurement, Status> status_;
  std::map<Measurement, Failure> failures_;
  std::size_t measured_ = 0;
};

/// The `error_message` of the result's first entry in error, as it is, or another reason why the text is no result;
/// nothing if it is one. Pure.
std::optional<std::string> result_problem(std::string_view text);
/// The same for a file; also why it cannot be read.
std::optional<std::string> result_file_problem(const std::filesystem::path& file);

}  // namespace shadowwalk::run
