#include "harness/guest/guest_abi.hpp"
#include "workloads/guest/programs.hpp"
#include "workloads/guest/random.hpp"

namespace shadowwalk {

// A growing process: one access in eight touches the next page for the first time, the others go back to one of the
// last `pages` touched. `position` counts first touches; past the end of the window the program starts over at its
// base.
void produce_demand_fault(GuestProgramState& state, Access* out, uint64_t count) {
  constexpr uint64_t kAccessesPerFirstTouch = 8;
  const GuestParams& params = state.params;
  const uint64_t room = guest_abi::kWindowPages - params.base_gfn;
  for (uint64_t i = 0; i < count; ++i) {
    const bool first_touch = random_below(state.random, kAccessesPerFirstTouch) == 0 || state.position == 0;
    const uint64_t known = state.position < params.pages ? state.position : params.pages;
    const uint64_t page = first_touch ? state.position++ : state.position - 1 - random_below(state.random, known);
    const bool writes = random_below(state.random, 100) < params.write_percent;
    out[i] = Access::make(params.base_gfn + page % room, writes ? AccessKind::write : AccessKind::read);
  }
}

}  // namespace shadowwalk
