#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/machine/vcpu.hpp"

namespace shadowwalk {

/// kvm_make_all_cpus_request() with KVM_REQUEST_WAIT: posts the request to every vCPU, then interrupts those whose
/// mode is not outside_guest and waits until they have acknowledged. The caller's own vCPU is never interrupted.
/// Always waits, even if the request was pending already: an earlier sender may still be waiting (84261923d3dd).
/// Returns the number of vCPUs that were interrupted. The caller's interrupt gate must be open.
std::size_t make_all_cpus_request(std::span<Vcpu* const> vcpus, std::uint32_t request_bits);

/// The same for one vCPU.
inline std::size_t make_request(Vcpu& vcpu, std::uint32_t request_bits) {
  Vcpu* one[] = {&vcpu};
  return make_all_cpus_request(one, request_bits);
}

}  // namespace shadowwalk
