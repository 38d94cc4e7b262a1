#include "bench/exit_guest.hpp"
#include "bench/families.hpp"

namespace shadowwalk::bench {

// Where there are no KVM guests: skip_without_kvm() says so before this would run.
void register_kvm_run_floors() {
  add_exits("floor/kvm_run", [](benchmark::State& state, unsigned) { state.SkipWithError("no KVM guests here"); });
}

}  // namespace shadowwalk::bench
