#pragma once

#include <vector>

#include "harness/doctor/finding.hpp"
#include "harness/doctor/host.hpp"

namespace shadowwalk::doctor {

/// What the lab can and cannot measure on a host, concluded from all findings.
std::vector<Ability> abilities(const std::vector<Finding>& findings, const Host& host);

}  // namespace shadowwalk::doctor
