#include "workloads/guest/programs.hpp"
#include "workloads/guest/random.hpp"

namespace shadowwalk {

// A guest at work in RAM while the host deletes and adds its memory slots: uniform over `pages` pages.
void produce_memslot_flip(GuestProgramState& state, Access* out, uint64_t count) {
  const GuestParams& params = state.params;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t gfn = params.base_gfn + random_below(state.random, params.pages);
    const bool writes = random_below(state.random, 100) < params.write_percent;
    out[i] = Access::make(gfn, writes ? AccessKind::write : AccessKind::read);
  }
}

}  // namespace shadowwalk
