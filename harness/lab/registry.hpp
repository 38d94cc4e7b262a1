#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/lab/variant_engine.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

struct PreparedCell;
class ReferenceCell;

/// Where a variant came from that is not of the program: a plug-in (harness/plugin).
struct PluginOrigin {
  std::string file;      ///< its name, no path
  std::string build_id;  ///< the linker's, in hexadecimal; empty if it gave none
  std::string abi;       ///< what it was built for
  bool optimized = true;
};

/// A variant that cells can be run with.
struct VariantEntry {
  VariantInfo info;
  std::unique_ptr<Engine> (*make_engine)(NativeMachine&, const CellConfig&, const Window&, const PageBudget&);
  bool can_zap = true;
  /// Of a reference that is no scheme of the lab's: it has no engine, prepares and measures its cells itself, and is
  /// not comparable. Called by prepare_cell() with all that does not depend on the reference; throws InputError as it
  /// does.
  std::shared_ptr<const ReferenceCell> (*prepare_reference)(const PreparedCell&) = nullptr;
  std::optional<PluginOrigin> plugin{};  ///< nothing: the program's own
  bool is_reference() const { return make_engine == nullptr; }
};

/// The registration line of a variant: `registry.add(variant_entry<IrqIpi>());`
template <template <class> class Variant>
VariantEntry variant_entry() {
  return {.info = Variant<NativeMachine>::kInfo,
          .make_engine = [](NativeMachine& machine, const CellConfig& config, const Window& window,
                            const PageBudget& budget) -> std::unique_ptr<Engine> {
            return std::make_unique<VariantEngine<Variant>>(machine, config, window, budget);
          }};
}

/// The variants there are, in the order of their registration. Filled before threads start, constant afterwards.
class Registry {
 public:
  /// The shipped variants, and the floor. add() may put more beside them.
  static Registry& instance();

  /// Throws InputError if the name is taken.
  void add(const VariantEntry& entry);
  const VariantEntry* find(std::string_view name) const;
  /// Throws InputError if there is none of that name.
  const VariantEntry& at(std::string_view name) const;
  std::span<const VariantEntry> entries() const { return entries_; }

 private:
  std::vector<VariantEntry> entries_;
};

}  // namespace shadowwalk
