#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "harness/lab/cell_config.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/measure/histogram.hpp"

namespace shadowwalk {

/// Fills a result's counters, and says why of those that cannot be filled.
class ResultRecorder {
 public:
  /// `level`: what the cell was instrumented with.
  ResultRecorder(CellResult& result, Instrumentation level);

  void set(const std::string& name, double value) { result_.counters[name] = value; }
  void unavailable(const std::string& name, const std::string& reason) {
    result_.details["unavailable"][name] = reason;
  }
  /// A flag that is a counter too.
  void flag(const std::string& name, bool raised);

  /// True if the cell takes what needs `level`; else `names` are unavailable, for that reason.
  bool taken_at(Instrumentation level, std::initializer_list<const char*> names);

  using Quantiles = std::initializer_list<std::pair<const char*, double>>;
  /// `<prefix>_p50` and the like from a histogram that is taken at `level`, and the histogram itself; or why there are
  /// none.
  void quantiles(const std::string& prefix, Instrumentation level, const Histogram& histogram, Quantiles wanted,
                 const std::string& why_empty);

 private:
  std::string not_taken() const;

  CellResult& result_;
  const Instrumentation level_;
};

inline constexpr std::pair<const char*, double> kP50{"_p50", 0.5};
inline constexpr std::pair<const char*, double> kP99{"_p99", 0.99};
inline constexpr std::pair<const char*, double> kP999{"_p999", 0.999};

}  // namespace shadowwalk
