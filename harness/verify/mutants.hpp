#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "harness/machine/mutant.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// What a bug is called, and what it takes to come by it.
struct MutantInfo {
  Mutant mutant;
  std::string_view name;
  std::string_view bug;     ///< in words
  std::string_view where;   ///< the file in which the source asks for it
  std::string_view commit;  ///< of Linux, that mended it there; empty: KVM is not known to have had it
  bool needs_bound;         ///< it breaks a bound on unreclaimed pages: nothing can be wrong with a scheme without one
  void (*reach)(VerifyConfig&);  ///< makes a config large enough
};

std::span<const MutantInfo> mutants();
const MutantInfo& info_of(Mutant mutant);
std::optional<Mutant> find_mutant(std::string_view name);

}  // namespace shadowwalk::verify
