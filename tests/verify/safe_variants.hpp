#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/verify/verify.hpp"

namespace shadowwalk::verify::test {

/// Names of the shipped variants that claim to be safe.
inline std::vector<std::string> safe_variants() {
  std::vector<std::string> names;
  for (const VerifiedVariant& variant : verified_variants()) {
    if (variant.info.safe) names.emplace_back(variant.info.name);
  }
  return names;
}

/// What GoogleTest may call a test of one.
inline std::string test_name(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace shadowwalk::verify::test
