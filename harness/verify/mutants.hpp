#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "harness/machine/mutant.hpp"
#include "harness/verify/verify.hpp"

namespace shadowwalk::verify {

/// A bug, and the setting that reaches it.
struct MutantInfo {
  Mutant mutant;
  std::string_view name;
  std::string_view bug;          ///< what is wrong, in words
  std::string_view where;        ///< the file whose source asks whether it is planted
  std::string_view commit;       ///< of Linux, that fixed it; empty: KVM is not known to have had it
  bool needs_bound;              ///< it breaks a bound on unreclaimed pages, so a scheme without a bound has no bug
  void (*reach)(VerifyConfig&);  ///< makes a config large enough
};

std::span<const MutantInfo> mutants();
const MutantInfo& info_of(Mutant mutant);
std::optional<Mutant> find_mutant(std::string_view name);

}  // namespace shadowwalk::verify
