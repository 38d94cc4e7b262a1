#pragma once

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// The guest program: produce_accesses() in its two forms.
const GuestProgram& guest_program();

}  // namespace shadowwalk
