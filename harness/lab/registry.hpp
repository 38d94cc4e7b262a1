#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "variants/contract.hpp"

/// The one registry of variants: lists, cells, `verify` and `project` find a variant here by its name. What a variant
/// can do is held as pointers to functions over types that are only declared, so that this header stays cheap.
namespace shadowwalk {

class Engine;
class NativeMachine;
class ReferenceCell;
class Window;
struct CellConfig;
struct PageBudget;
struct PreparedCell;
namespace coherence {
struct Topology;
}
namespace projection {
struct Projected;
}
namespace simulation {
class Execution;
}
namespace verify {
struct AnySystem;
struct VerifyConfig;
}  // namespace verify

/// The plug-in (harness/plugin) that a variant came from.
struct PluginOrigin {
  std::string file;      ///< its name, no path
  std::string build_id;  ///< the linker's, in hexadecimal; empty if it gave none
  std::string abi;       ///< what it was built for
  bool optimized = true;
};

/// A variant, and what can be done with it. A null function: that cannot be done.
struct VariantEntry {
  VariantInfo info;

  /// Measured: makes the engine of a cell (harness/lab).
  std::unique_ptr<Engine> (*make_engine)(NativeMachine&, const CellConfig&, const Window&, const PageBudget&) = nullptr;
  bool can_zap = true;
  /// Set for a reference that is no scheme of the lab's: it has no engine, prepares and measures its cells itself, and
  /// is compared with nothing. Called by prepare_cell(), which has resolved the rest; throws InputError as it does.
  std::shared_ptr<const ReferenceCell> (*prepare_reference)(const PreparedCell&) = nullptr;

  /// Verified: makes the programs of one execution (harness/verify).
  std::unique_ptr<verify::AnySystem> (*make_system)(const verify::VerifyConfig&, simulation::Execution&) = nullptr;

  /// Projected: simulates a cell (harness/projection). Deterministic except for wall_seconds. Throws InputError as
  /// check_projection() does, CellError if the cell cannot go on. One call at a time per thread.
  projection::Projected (*project)(const CellConfig&, const coherence::Topology&) = nullptr;

  std::optional<PluginOrigin> plugin{};  ///< nothing: the program's own

  bool is_reference() const { return prepare_reference != nullptr; }
  bool can_be_verified() const { return make_system != nullptr; }
  bool can_be_projected() const { return project != nullptr; }
};

/// The variants, in the order of their registration. Filled before threads start, constant afterwards.
class Registry {
 public:
  /// The variants that ship, and the floor, as cells measure them. verify::verified_variants() and
  /// projection::projected_variants() are the same registry, once those rooms have added what they can do.
  static Registry& instance();

  /// Registers a variant; or gives a variant that is registered functions that it lacks. Throws InputError if the name
  /// is taken: if the registered variant has one of these functions already.
  void add(const VariantEntry& entry);
  const VariantEntry* find(std::string_view name) const;
  /// Throws InputError if there is no variant of that name.
  const VariantEntry& at(std::string_view name) const;
  /// The variants that a user asked for by `names`, out of those for which `can` holds; "all" stands for each of them
  /// that claims to be safe. Throws InputError, one line that begins with `option` and suggests the nearest name.
  std::vector<const VariantEntry*> choose(std::string_view option, std::span<const std::string> names,
                                          bool (VariantEntry::*can)() const) const;
  std::span<const VariantEntry> entries() const { return entries_; }

 private:
  std::vector<VariantEntry> entries_;
};

/// Why this host cannot run a variant in user space, in a few words; empty: it can. Registers the process for what the
/// variant needs, so call it before threads start.
std::string why_unavailable(const VariantInfo& info);

}  // namespace shadowwalk
