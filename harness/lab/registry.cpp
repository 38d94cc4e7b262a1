#include "harness/lab/registry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/lab/floor_engine.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk {
namespace {

/// Gives `to` the function that `from` has; false: it has one already.
template <class Function>
bool add_function(Function*& to, Function* from) {
  if (to != nullptr && from != nullptr) return false;
  if (from != nullptr) to = from;
  return true;
}

}  // namespace

void add_shipped_variants(Registry& registry);  // generated: cmake/Variants.cmake

Registry& Registry::instance() {
  static Registry registry = [] {
    Registry shipped;
    add_shipped_variants(shipped);
    shipped.add({.info = kFloorInfo,
                 .make_engine = [](NativeMachine&, const CellConfig&, const Window& window,
                                   const PageBudget&) { return make_floor_engine(window); },
                 .can_zap = false});
    return shipped;
  }();
  return registry;
}

void Registry::add(const VariantEntry& entry) {
  const auto found = std::ranges::find(entries_, entry.info.name, [](const VariantEntry& it) { return it.info.name; });
  if (found == entries_.end()) {
    entries_.push_back(entry);
    return;
  }
  VariantEntry both = *found;
  if (!add_function(both.make_engine, entry.make_engine) || !add_function(both.make_system, entry.make_system) ||
      !add_function(both.project, entry.project) || entry.is_reference() || both.is_reference()) {
    throw InputError("a variant named '" + std::string(entry.info.name) + "' is registered already");
  }
  *found = both;
}

const VariantEntry* Registry::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, [](const VariantEntry& entry) { return entry.info.name; });
  return found == entries_.end() ? nullptr : &*found;
}

const VariantEntry& Registry::at(std::string_view name) const {
  if (const VariantEntry* entry = find(name)) return *entry;
  std::vector<std::string> known;
  for (const VariantEntry& entry : entries_) known.emplace_back(entry.info.name);
  throw InputError(
      fmt::format("unknown variant '{}'{} `shadowwalk list variants` describes each", name, suggestion(name, known)));
}

std::vector<const VariantEntry*> Registry::choose(std::string_view option, std::span<const std::string> names,
                                                  bool (VariantEntry::*can)() const) const {
  std::vector<const VariantEntry*> chosen;
  std::vector<std::string> known{"all"};
  for (const VariantEntry& variant : entries_) {
    if ((variant.*can)()) known.emplace_back(variant.info.name);
  }
  for (const std::string& name : names) {
    const std::size_t before = chosen.size();
    for (const VariantEntry& variant : entries_) {
      const bool meant = variant.info.name == name || (name == "all" && variant.info.safe);
      if (meant && (variant.*can)()) chosen.push_back(&variant);
    }
    if (chosen.size() == before) {
      throw InputError(fmt::format("{} {}: there is none of that name{} there are {}", option, name,
                                   suggestion(name, known), fmt::join(known, ", ")));
    }
  }
  return chosen;
}

std::string why_unavailable(const VariantInfo& info) {
  if (info.kernel_only) return fmt::format("needs {}: give --machine kernel or kernel-vm", info.needs);
  return info.needs_membarrier ? register_membarrier() : std::string();
}

}  // namespace shadowwalk
