#pragma once

#include <span>
#include <string_view>

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// Every guest program, in the order of its index: mmio-poll, demand-fault, memslot-flip.
std::span<const GuestProgram> guest_programs();

/// Null if there is no program of that name.
const GuestProgram* find_guest_program(std::string_view name);

}  // namespace shadowwalk
