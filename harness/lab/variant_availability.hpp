#pragma once

#include <string>

#include "variants/contract.hpp"

namespace shadowwalk {

/// Why this host cannot run a variant, in a few words; empty: it can. Registers the process for what the variant needs,
/// so that it is best asked before threads start.
std::string why_unavailable(const VariantInfo& info);

}  // namespace shadowwalk
