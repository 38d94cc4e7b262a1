#pragma once

#include <memory>
#include <string>

#include "harness/guest/guest.hpp"

namespace shadowwalk {

/// `config` is checked by make_guest, its image is not empty and KVM is available. Throws CellError on ioctl failure,
/// InputError if KVM cannot make that many vCPUs or the image is too large.
std::unique_ptr<Guest> make_kvm_guest(const GuestConfig& config);

/// kvm_unavailable_reason() of another device file.
std::string kvm_unavailable_reason(const std::string& device);

}  // namespace shadowwalk
