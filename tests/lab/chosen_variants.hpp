#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/registry.hpp"

namespace shadowwalk::test {

/// The schemes that go through everything: the two of KVM's history, the naive one, one that keeps pages, one that
/// restarts walks, and the limit. All others do what depends on the scheme; what depends on the workload, the guest or
/// a trace is the lab's, and the same for all.
inline std::vector<std::string> variants_of_everything() {
  return {"rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "optimistic", "mutex", "leak"};
}
inline bool goes_through_everything(std::string_view name) {
  const std::vector<std::string> names = variants_of_everything();
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Those that claim to be safe, zap, and run on this host.
inline std::vector<std::string> safe_variants() {
  std::vector<std::string> names;
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.info.safe && variant.can_zap && !variant.is_reference() && why_unavailable(variant.info).empty()) {
      names.emplace_back(variant.info.name);
    }
  }
  return names;
}

}  // namespace shadowwalk::test
