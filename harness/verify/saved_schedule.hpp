#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

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
/// The reverse, of a file's text; all its texts can be printed. Throws InputError: `file`, what is wrong, and where.
SavedSchedule schedule_from_text(std::string_view text, const std::string& file);
/// The same for a file. Throws InputError also when it cannot be read.
SavedSchedule load_schedule(const std::string& file);

nlohmann::ordered_json to_json(const VerifyConfig& config);
nlohmann::ordered_json to_json(const simulation::Site& site);

}  // namespace shadowwalk::verify
