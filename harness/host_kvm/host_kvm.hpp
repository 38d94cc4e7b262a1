#pragma once

#include "harness/lab/registry.hpp"

namespace shadowwalk::host_kvm {

/// Registers `host-kvm`: the same guest programs over memory that the running kernel's own MMU maps and zaps. A
/// reference beside the lab's variants, and no scheme of the lab's. Nothing on hosts that are not x86-64.
void add_host_kvm(Registry& registry);

}  // namespace shadowwalk::host_kvm
