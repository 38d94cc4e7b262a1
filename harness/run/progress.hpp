#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "harness/run/run_directory.hpp"

/// What a run prints while it works and when it ends.
namespace shadowwalk::run {

/// Time left, estimated from the overhead of the finished cells over their measuring time. `done` and `left` count
/// cells; the times are measuring times, but `actual_done` is the time that finished cells really took.
std::chrono::nanoseconds estimate_remaining(std::size_t done, std::chrono::nanoseconds planned_done,
                                            std::chrono::nanoseconds actual_done, std::size_t left,
                                            std::chrono::nanoseconds planned_left);

/// One line of progress. On a terminal it is rewritten when a cell starts, and a cell that failed leaves a line; else
/// each cell that ended prints a line. Nothing is printed while a cell is being measured. Not thread-safe.
class Progress {
 public:
  struct Settings {
    std::FILE* out = stdout;
    bool terminal = false;
    std::size_t width = 80;  ///< of the terminal, columns
  };

  /// Finds out whether `out` is a terminal, and its width.
  static Settings settings_for(std::FILE* out);

  /// `finished` of the plan's measurements were done earlier, and `failed` of these failed.
  Progress(const Settings& settings, std::size_t total, std::size_t finished, std::size_t failed);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< ends an open line

  /// So many measurements more.
  void add(std::size_t measurements) { total_ += measurements; }
  void started(const PlannedCell& cell, const Measurement& measurement, std::chrono::nanoseconds planned_left,
               std::size_t left);
  /// The number of the measurement under way, from 1.
  std::size_t number() const { return finished_ + 1; }
  /// What `left` measurements, with `planned_left` of measuring time, are expected to take.
  std::chrono::nanoseconds remaining(std::chrono::nanoseconds planned_left, std::size_t left) const;
  /// `noise`: why the result is noisy; empty: it is not.
  void measured(const PlannedCell& cell, const Measurement& measurement, std::chrono::nanoseconds elapsed,
                const std::string& noise = {});
  /// The result does not count, since it is noisy: the measurement is started again.
  void set_aside(const PlannedCell& cell, const Measurement& measurement, std::chrono::nanoseconds elapsed,
                 const std::string& noise);
  void failed(const PlannedCell& cell, const Measurement& measurement, std::chrono::nanoseconds elapsed,
              const Failure& failure, bool counted_before);

 private:
  void print_line(const std::string& line);
  void ended(const PlannedCell& cell, std::chrono::nanoseconds elapsed);
  std::string position(std::size_t number) const;

  Settings settings_;
  std::size_t total_;
  std::size_t finished_;
  std::size_t failed_;
  std::size_t done_ = 0;
  std::chrono::nanoseconds planned_done_{0};
  std::chrono::nanoseconds actual_done_{0};
  bool line_open_ = false;
};

/// Counts, failures grouped by reason, where the results are and what to do next. Pure.
std::string summary(const RunDirectory& directory);

/// A line: how many repetitions a time budget has added, and in how many settings they were not enough. Pure.
std::string precision_summary(const Plan& plan, std::size_t imprecise);

}  // namespace shadowwalk::run
