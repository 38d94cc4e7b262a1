#include "harness/guest/guest.hpp"

#include "harness/guest/guest_kinds.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {

void check_guest(const GuestConfig& config) {
  const GuestLine wrong = what_is_wrong(config);
  if (!wrong.empty()) throw InputError(wrong.c_str());
}

std::unique_ptr<Guest> make_guest(const GuestConfig& config) {
  check_guest(config);
  if (config.kind == GuestKind::trace) throw InputError("guest trace: it has no program; it is of a trace alone");
  if (config.kind == GuestKind::kvm) {
    if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) throw InputError("guest kvm: " + reason);
    if (config.program.image.empty()) throw InputError("guest kvm: the program has no image; choose guest thread");
    return make_kvm_guest(config);
  }
  if (config.program.produce == nullptr) {
    throw InputError("guest thread: the program has only an image; choose guest kvm");
  }
  return make_thread_guest(config);
}

}  // namespace shadowwalk
