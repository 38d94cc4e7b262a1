#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/verify/trials.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// A schedule that goes wrong, as a file: enough to run it again (docs/verify.md has the format).
struct SavedSchedule {
  std::string variant;
  VerifyConfig config;  ///< what is run; the bounds of a search are not kept
  std::string goes_wrong;
  std::vector<std::string> steps;
};
nlohmann::ordered_json to_json(const SavedSchedule& saved);
/// Throws InputError, one line: what is wrong, and where.
SavedSchedule load_schedule(const std::string& path);

nlohmann::ordered_json to_json(const VerifyConfig& config);
nlohmann::ordered_json to_json(const simulation::Site& site);
nlohmann::ordered_json to_json(const Report& report);
nlohmann::ordered_json to_json(const Trial& trial);
/// With the failure's cost.
nlohmann::ordered_json to_json(const Story& story, const Failure& failure);

}  // namespace shadowwalk::verify
