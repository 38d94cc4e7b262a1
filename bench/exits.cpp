#include <benchmark/benchmark.h>

#include <memory>

#include "bench/bench_engine.hpp"
#include "bench/registration.hpp"
#include "harness/guest/guest.hpp"
#include "harness/lab/cell_config.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/native_machine.hpp"
#include "workloads/guest/guest_program.hpp"

#ifdef __x86_64__  // where there are KVM guests
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "harness/guest/kvm_guest.hpp"
#include "harness/guest/kvm_vm.hpp"
#endif

namespace shadowwalk::bench {
namespace {

/// The KVM guest of the exit benchmarks: one vCPU that polls devices. `burst` 1: each access is an MMIO exit; more:
/// that many accesses go through the ring per doorbell.
GuestConfig exit_guest(unsigned burst) {
  GuestConfig config;
  config.kind = GuestKind::kvm;
  config.burst = burst;
  config.params = uniform_guest(CellConfig().working_set, 0, /*mmio_percent=*/100);
  config.params.burst = burst;
  config.program = guest_program();
  return config;
}

/// Skips the benchmark, with the reason, where KVM guests cannot run.
bool skip_without_kvm(benchmark::State& state) {
  static const std::string reason = kvm_unavailable_reason();
  if (!reason.empty()) state.SkipWithError(reason.c_str());
  return !reason.empty();
}

/// Registers `run(State&, burst)` as PREFIX/mmio and PREFIX/doorbell, for either side of the comparison.
template <class Run>
void add_exits(const std::string& prefix, Run run) {
  add(prefix + "/mmio", [run](benchmark::State& state) {
    if (!skip_without_kvm(state)) run(state, 1);
  })->UseRealTime();
  add(prefix + "/doorbell",
      [run](benchmark::State& state) {
        if (!skip_without_kvm(state)) run(state, static_cast<unsigned>(state.range(0)));
      })
      ->ArgName("burst")
      ->Arg(2)     // the exit itself: the smallest burst that uses the doorbell
      ->Arg(1024)  // a cell's default
      ->UseRealTime();
}

/// An exit as a cell's vCPU makes it: takes requests, enters guest mode, exits, checks and copies the accesses.
void lab_exit(benchmark::State& state, unsigned burst) {
  const PinnedThread pinned(0);
  const std::unique_ptr<Guest> guest = make_guest(exit_guest(burst));
  GuestVcpu& guest_vcpu = guest->vcpu(0);
  NativeMachine machine(1);
  Vcpu& vcpu = *machine.vcpus()[0];
  vcpu.set_immediate_exit(&guest_vcpu.immediate_exit());
  const BoundThread bound(vcpu, 0);
  for (auto _ : state) {
    vcpu.take_requests();
    if (!vcpu.enter_guest_mode()) throw CellError("a vCPU without a request did not enter the guest");
    const std::span<const Access> accesses = guest_vcpu.enter();
    vcpu.leave_guest_mode();
    if (accesses.size() != burst) throw CellError("the guest exited without its burst");
  }
}

#ifdef __x86_64__
/// The same guest and exit with only what KVM demands: KVM completes an access by itself at the next KVM_RUN.
void bare_exit(benchmark::State& state, unsigned burst) {
  const PinnedThread pinned(0);
  kvm::KvmGuest guest(exit_guest(burst));
  const int fd = guest.vcpu(0).fd();
  const int bytes = SHADOWWALK_KVM_IOCTL(kvm::open_kvm().get(), KVM_GET_VCPU_MMAP_SIZE);
  const kvm::Mapping mapping = kvm::Mapping::shared(fd, static_cast<std::size_t>(bytes), "kvm_run");
  const volatile std::uint32_t& reason = reinterpret_cast<const kvm_run*>(mapping.bytes().data())->exit_reason;
  const std::uint32_t expected = burst == 1 ? KVM_EXIT_MMIO : KVM_EXIT_IO;
  for (auto _ : state) {
    if (ioctl(fd, KVM_RUN, 0) < 0) throw CellError(std::string("KVM_RUN: ") + std::strerror(errno));
    if (reason != expected) throw CellError("an exit of another kind: reason " + std::to_string(reason));
  }
}
#else
/// Never called: skip_without_kvm() says why.
void bare_exit(benchmark::State&, unsigned) {}
#endif

}  // namespace

void register_exits() {
  add_exits("exit", lab_exit);
  add_exits("floor/kvm_run", bare_exit);
}

}  // namespace shadowwalk::bench
