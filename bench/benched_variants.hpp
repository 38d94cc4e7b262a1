#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "harness/lab/registry.hpp"

namespace shadowwalk::bench {

/// Families that tell what a scheme costs measure each that runs on this host. Negative twins cost what is missing.
inline bool is_benched(const VariantEntry& variant) {
  return variant.info.family != Family::negative && why_unavailable(variant.info).empty();
}

/// Families that tell what the engine costs (memory, cells, trees of many pages) measure these, of each kind one: what
/// is added for a scheme is the same in all families.
inline bool is_benched_in_depth(const VariantEntry& variant) {
  constexpr std::array<std::string_view, 10> kOfEachKind = {
      "rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "hazard-eras", "hyaline", "mutex", "leak", "unsafe", "floor"};
  return std::find(kOfEachKind.begin(), kOfEachKind.end(), variant.info.name) != kOfEachKind.end();
}

}  // namespace shadowwalk::bench
