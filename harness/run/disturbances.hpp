#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/run/plan.hpp"
#include "harness/run/stored_result.hpp"

/// What disturbed the results of a run, and what would help against it.
namespace shadowwalk::run {

/// How the run's results were disturbed, as docs/result-format.md's flags say it.
struct Disturbances {
  std::size_t quiet = 0;  ///< results that count and are not noisy
  std::size_t noisy = 0;  ///< results that count and are noisy
  std::size_t saturated = 0;
  std::size_t oversubscribed = 0;
  std::size_t measured_again = 0;  ///< measurements with noisy results that do not count beside them
  std::string usual_reason{};      ///< of the noisy ones, the most frequent one, with the numbers of its first
};

/// Counts results that count, and measurements with results that were set aside. Pure.
Disturbances count_disturbances(const std::map<Measurement, StoredResult>& results,
                                const std::map<Measurement, unsigned>& set_aside);

/// One or two lines: how many results are quiet, noisy, saturated or oversubscribed, and what would help; empty if
/// there is no result. `waits_in_vain` for a quiet host, and why it was not. Pure.
std::vector<std::string> disturbance_summary(const Disturbances& disturbances, std::size_t waits_in_vain,
                                             const std::string& unquiet_reason);

}  // namespace shadowwalk::run
