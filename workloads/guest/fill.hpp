#pragma once

#include <stdint.h>

#include "harness/guest/access.hpp"
#include "workloads/guest/access_kinds.hpp"

namespace shadowwalk {

/// Writes `count` accesses to pages that `pages.next(random)` gives, counted from `first_gfn`. The caller's `pages` is
/// a local object, and the random state is made one here: both live in registers, though `out` might alias the guest's
/// state for all that the compiler knows.
template <typename Pages>
[[gnu::always_inline]] inline void fill(Pages& pages, AccessKinds kinds, uint64_t first_gfn, uint64_t& random_state,
                                        Access* out, uint64_t count) {
  uint64_t random = random_state;
  if (kinds.is_constant()) {
    const AccessKind kind = kinds.constant();
    for (uint64_t i = 0; i < count; ++i) out[i] = Access::make(first_gfn + pages.next(random), kind);
  } else {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t gfn = first_gfn + pages.next(random);
      out[i] = Access::make(gfn, kinds.next(random));
    }
  }
  random_state = random;
}

}  // namespace shadowwalk
