#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/verify/trials.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

// What `shadowwalk verify --json` says.

nlohmann::ordered_json to_json(const Report& report);
nlohmann::ordered_json to_json(const Trial& trial);
/// With the failure's cost.
nlohmann::ordered_json to_json(const Story& story, const Failure& failure);

}  // namespace shadowwalk::verify
