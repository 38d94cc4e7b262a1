#pragma once

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// What vCPU `index` of either kind of guest starts from. `config` is one that make_guest accepts.
GuestProgramState initial_state(const GuestConfig& config, unsigned index);

}  // namespace shadowwalk
