#pragma once

#include <memory>

#include "harness/guest/guest.hpp"

/// What make_guest() chooses from. It has checked `config`.
namespace shadowwalk {

/// Guests without a hypervisor: the program's ordinary compilation runs in enter() and goes through the same access
/// ring as a KVM guest's.
std::unique_ptr<Guest> make_thread_guest(const GuestConfig& config);

/// The image must not be empty, and KVM must be available. Throws CellError on ioctl failure, InputError if KVM cannot
/// make that many vCPUs or the image is too large.
std::unique_ptr<Guest> make_kvm_guest(const GuestConfig& config);

}  // namespace shadowwalk
