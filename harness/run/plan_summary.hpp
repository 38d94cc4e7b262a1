#pragma once

#include <chrono>
#include <string>

#include "harness/run/plan.hpp"

/// What a plan comes to, before anything is measured. All functions are pure.
namespace shadowwalk::run {

/// How long the plan's measurements are expected to take, set-up and tear-down of the cells' processes included.
std::chrono::nanoseconds expected_time(const Plan& plan);

/// `43 cells x 7 repetitions`
std::string size_in_words(const Plan& plan);

/// What `run --dry-run` prints: the groups with their cells, repetitions and times, a line per cell.
std::string describe(const Plan& plan);

}  // namespace shadowwalk::run
