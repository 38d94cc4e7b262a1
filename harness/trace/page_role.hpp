#pragma once

#include <cstdint>

namespace shadowwalk::trace {

/// What a trace needs of KVM's `union kvm_mmu_page_role`.
struct PageRole {
  unsigned level = 0;   ///< of the shadow page: 1 to 5
  bool direct = false;  ///< it maps a linear range; otherwise it shadows a page table of the guest
};

/// Decodes `role.word`, which tools print where they cannot evaluate the tracepoint's format. Its layout changed twice,
/// and nothing beside it names the kernel:
///   2.6.32 to 2.6.34   bits 0-3 the guest's levels (0: direct), 4-7 the level, 8-9 the quadrant, 10-15 zero, 16 direct
///   2.6.35 to 4.1      bits 0-3 the level, 4 the guest's entry size, 5-6 the quadrant, 7-12 zero, 13 direct
///   since 4.2          the same without the zeros: 7 direct, 8-10 the access, 11 invalid, 12 NX
/// The zeros tell which: since 4.2 bits 7-12 hold the access, which is empty only for tables that nothing can use.
PageRole page_role(std::uint64_t word);

}  // namespace shadowwalk::trace
