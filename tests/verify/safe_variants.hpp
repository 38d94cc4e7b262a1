#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/lab/registry.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify::test {

/// Names of the shipped variants that claim to be safe.
inline std::vector<std::string> safe_variants() {
  std::vector<std::string> names;
  for (const VariantEntry& variant : verified_variants().entries()) {
    if (variant.info.safe && variant.can_be_verified()) names.emplace_back(variant.info.name);
  }
  return names;
}

/// The name of such a variant as GoogleTest allows it.
inline std::string test_name(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace shadowwalk::verify::test
