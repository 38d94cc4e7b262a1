#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/plan.hpp"
#include "harness/run/stored_result.hpp"

/// Repetitions beyond the matrix's, where the results are not precise enough yet. Which settings get some depends on
/// how wide their intervals are, and never on where these lie.
namespace shadowwalk::run {

/// What a run with a time budget wants.
struct PrecisionGoal {
  std::chrono::nanoseconds budget{0};  ///< for the whole run, the matrix's repetitions included; 0: these alone
  /// Each 95 % interval of a ratio to the baseline is to reach no further than this part of the ratio up or down: above
  /// 0, 1 at most.
  double precision = 0.025;
};

/// Half the width of the 95 % interval of the mean, as reports have it: of the mean without the outer 15 % at each end,
/// by the winsorised deviations and Student's t (Yuen 1974); below 7 values it is the plain one. Infinite for fewer
/// than two values. Pure.
double half_width(const std::vector<double>& values);

/// The cells that are compared with each other, by their ids: those of a group that differ in their scheme alone. Those
/// of one cell are left out. Pure.
std::vector<std::vector<int>> compared_settings(const Plan& plan);

/// The variant that ratios are over, as reports choose it: irq-ipi, else leak, else the first of the plan. Pure.
std::string baseline_variant(const Plan& plan);

using Results = std::map<Measurement, StoredResult>;

/// The widest half width in a setting, of the mean of log(value / baseline's value) over the repetitions in which both
/// are quiet: of walks_per_second where there are zappers or a cell has no walk_ns_mean, else of walk_ns_mean. Infinite
/// where there are not two such pairs. 0 where nothing is compared: the baseline or all others have no result, or are
/// emulated. Pure.
double widest_half_width(const Plan& plan, const std::vector<int>& setting, const Results& results);

/// The settings that are wider than the precision, the widest first. Pure.
std::vector<std::vector<int>> imprecise_settings(const Plan& plan, const Results& results, double precision);

/// One more repetition of each of the settings, first come first served, as long as `fits` says so of the cells chosen
/// so far and the next setting's: settings in a random order, and the cells of each next to each other in a random
/// order. Cells without any result are left out: they would fail again. Empty: none fits, or the limits of a plan are
/// reached. Pure.
std::vector<Measurement> next_round(const Plan& plan, const std::vector<std::vector<int>>& settings,
                                    const Results& results, const std::function<bool(const std::vector<int>&)>& fits);

}  // namespace shadowwalk::run
