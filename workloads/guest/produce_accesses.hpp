// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>

#include "harness/guest/access.hpp"
#include "harness/guest/guest_params.hpp"

namespace shadowwalk {

/// The guest program: writes the next `count` accesses that `state` leads to. How a stream of accesses is cut into
/// calls does not change it. Freestanding code on general registers, compiled once for the KVM guest's image and once
/// for the host; it gives the same stream in both. `state` is one of make_guest's, so its params are in their ranges.
void produce_accesses(GuestProgramState& state, Access* out, uint64_t count);

}  // namespace shadowwalk
