#pragma once

#include <memory>

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// Guests without a hypervisor: the program's ordinary compilation runs in enter() and goes through the same access
/// ring as a KVM guest's. `config` is checked by make_guest.
std::unique_ptr<Guest> make_thread_guest(const GuestConfig& config);

}  // namespace shadowwalk
