// Hosts that are not x86-64.
#include "harness/guest/guest_kinds.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {

std::string kvm_unavailable_reason(const std::string&) {
  return "KVM guests are written for x86-64 hosts only (use thread guests)";
}

std::unique_ptr<Guest> make_kvm_guest(const GuestConfig&) {
  throw InputError("guest kvm: " + kvm_unavailable_reason());
}

}  // namespace shadowwalk
