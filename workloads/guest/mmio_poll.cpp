#include "workloads/guest/programs.hpp"
#include "workloads/guest/random.hpp"

namespace shadowwalk {

// A driver that polls its devices: reads of `pages` device pages, uniformly at random.
void produce_mmio_poll(GuestProgramState& state, Access* out, uint64_t count) {
  const GuestParams& params = state.params;
  for (uint64_t i = 0; i < count; ++i) {
    out[i] = Access::make(params.base_gfn + random_below(state.random, params.pages), AccessKind::mmio);
  }
}

}  // namespace shadowwalk
