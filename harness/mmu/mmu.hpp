#pragma once

#include "harness/machine/native_machine.hpp"
#include "harness/mmu/vcpu_mmu.hpp"
#include "harness/mmu/zapper.hpp"

namespace shadowwalk {

/// The MMU that is measured: one guest's tree with a variant on the native machine.
template <template <class> class Variant>
using NativeTree = ShadowTree<NativeMachine, Variant, MeasuredGeometry>;

}  // namespace shadowwalk
