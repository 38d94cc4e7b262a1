// Hosts that are not x86-64: there is no such guest.
#include "harness/host_kvm/host_kvm.hpp"

namespace shadowwalk::host_kvm {

void add_host_kvm(Registry&) {}

}  // namespace shadowwalk::host_kvm
