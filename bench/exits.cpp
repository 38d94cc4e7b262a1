#include <memory>

#include "bench/exit_guest.hpp"
#include "bench/families.hpp"
#include "bench/threads.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/native_machine.hpp"
#include "workloads/guest/guest_program.hpp"
#include "workloads/guest/guest_shapes.hpp"

namespace shadowwalk::bench {

GuestConfig exit_guest(unsigned burst) {
  GuestConfig config;
  config.kind = GuestKind::kvm;
  config.burst = burst;
  config.params = uniform_guest(CellConfig().working_set, 0, /*mmio_percent=*/100);
  config.params.burst = burst;
  config.program = guest_program();
  return config;
}

bool skip_without_kvm(benchmark::State& state) {
  static const std::string reason = kvm_unavailable_reason();
  if (!reason.empty()) state.SkipWithError(reason.c_str());
  return !reason.empty();
}

namespace {

/// An exit as a cell's vCPU makes it: requests, guest mode, the exit, its accesses checked and copied, out again.
void lab_exit(benchmark::State& state, unsigned burst) {
  const PinnedThread pinned(0);
  const std::unique_ptr<Guest> guest = make_guest(exit_guest(burst));
  GuestVcpu& guest_vcpu = guest->vcpu(0);
  NativeMachine machine(1);
  Vcpu& vcpu = *machine.vcpus()[0];
  vcpu.set_immediate_exit(&guest_vcpu.immediate_exit());
  vcpu.bind("vcpu-0");
  try {
    for (auto _ : state) {
      vcpu.take_requests();
      if (!vcpu.enter_guest_mode()) throw CellError("a vCPU that nobody wants anything of did not enter the guest");
      const std::span<const Access> accesses = guest_vcpu.enter();
      vcpu.leave_guest_mode();
      if (accesses.size() != burst) throw CellError("the guest exited without its burst");
    }
  } catch (...) {
    vcpu.unbind();
    throw;
  }
  vcpu.unbind();
}

}  // namespace

void register_exits() { add_exits("exit", lab_exit); }

}  // namespace shadowwalk::bench
