#pragma once

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// Throws InputError, one line that names the field, its value and its range, unless every field of `config` but the
/// program is in its range and all streams lie in the lab's window.
void check_guest(const GuestConfig& config);

}  // namespace shadowwalk
