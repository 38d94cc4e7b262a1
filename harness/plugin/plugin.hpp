#pragma once

#include <vector>

#include "harness/lab/registry.hpp"
#include "harness/lab/variant_engine.hpp"
#include "harness/plugin/abi.hpp"
#include "harness/projection/simulated_cell.hpp"
#include "harness/verify/system.hpp"

/// What a variant outside the tree includes: the contract, and the line that registers it.
///
///   #include <harness/plugin/plugin.hpp>
///   template <class Machine> class MyScheme { ... };   // variants/contract.hpp
///   SHADOWWALK_PLUGIN(MyScheme)
///
/// makes a module, and `shadowwalk cell --plugin FILE` and other verbs take MyScheme from it like any other variant.
/// docs/writing-a-variant.md shows every step.
namespace shadowwalk::plugin {

/// What a plug-in provides.
struct PluginVariants {
  std::vector<VariantEntry> variants;
  bool optimized = false;  ///< compiled with optimisation; otherwise its figures are not comparable
};

/// A variant with everything that can be done with it: measured, verified, projected.
template <template <class> class Variant>
VariantEntry plugin_variant() {
  VariantEntry entry = variant_entry<Variant>();
  entry.make_system = verify::verified_variant<Variant>().make_system;
  entry.project = projection::projected_variant<Variant>().project;
  return entry;
}

template <template <class> class... Variants>
PluginVariants plugin_variants() {
  PluginVariants all;
  (all.variants.push_back(plugin_variant<Variants>()), ...);
#ifdef __OPTIMIZE__
  all.optimized = true;
#endif
  return all;
}

/// The one symbol that is looked up in a plug-in, once its note agrees with the program.
inline constexpr const char* kEntryPoint = "shadowwalk_plugin_variants";
using EntryPoint = void (*)(PluginVariants&);

}  // namespace shadowwalk::plugin

// Alignment: the compiler would give a large object more than a note may have.
#define SHADOWWALK_PLUGIN_NOTE [[gnu::used, gnu::section(".note.shadowwalk"), gnu::aligned(4)]]

/// Registers variants, which are class templates over a Machine: SHADOWWALK_PLUGIN(MyScheme), or several of them.
/// Once in a plug-in, at namespace scope.
#define SHADOWWALK_PLUGIN(...)                                                                                       \
  SHADOWWALK_PLUGIN_NOTE static constinit const shadowwalk::plugin::AbiNote shadowwalk_plugin_abi_note{};            \
  extern "C" [[gnu::visibility("default")]] void shadowwalk_plugin_variants(shadowwalk::plugin::PluginVariants& to); \
  void shadowwalk_plugin_variants(shadowwalk::plugin::PluginVariants& to) {                                          \
    to = shadowwalk::plugin::plugin_variants<__VA_ARGS__>();                                                         \
  }                                                                                                                  \
  static_assert(true, "")
