#include "harness/lab/registry.hpp"

#include <algorithm>

#include "harness/lab/shipped_variants.hpp"

namespace shadowwalk {

Registry& Registry::instance() {
  static Registry registry = [] {
    Registry shipped;
    add_shipped_variants(shipped);
    return shipped;
  }();
  return registry;
}

void Registry::add(const VariantEntry& entry) {
  if (find(entry.info.name) != nullptr) {
    throw InputError("a variant named '" + std::string(entry.info.name) + "' is registered already");
  }
  entries_.push_back(entry);
}

const VariantEntry* Registry::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const VariantEntry& entry) { return entry.info.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

const VariantEntry& Registry::at(std::string_view name) const {
  if (const VariantEntry* entry = find(name)) return *entry;
  throw InputError("unknown variant '" + std::string(name) + "': `shadowwalk list variants` tells what there is");
}

}  // namespace shadowwalk
