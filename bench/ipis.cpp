#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <thread>
#include <vector>

#include "bench/registration.hpp"
#include "bench/threads.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/native_machine.hpp"

namespace shadowwalk::bench {
namespace {

/// vCPUs in guest mode. Each spins on a CPU of its own until it must exit, and then enters again at once.
class GuestModeVcpus {
 public:
  /// CPU 0 is left to the sender.
  explicit GuestModeVcpus(unsigned count) : machine_(count), immediate_exits_(count) {
    for (unsigned i = 0; i < count; ++i) {
      machine_.vcpus()[i]->set_immediate_exit(&immediate_exits_[i].byte);
      threads_.emplace_back([this, i](const std::stop_token& stop) { run(i, stop); });
    }
    wait_until_in_guest();
  }

  std::span<Vcpu* const> vcpus() const { return machine_.vcpus(); }

  void wait_until_in_guest() const {
    for (const Vcpu* vcpu : machine_.vcpus()) {
      Backoff backoff;
      while (vcpu->mode.load(std::memory_order_acquire) != VcpuMode::in_guest) backoff.wait();
    }
  }

 private:
  struct alignas(64) ImmediateExit {
    std::uint8_t byte = 0;
  };

  void run(unsigned index, const std::stop_token& stop) {
    Vcpu& vcpu = *machine_.vcpus()[index];
    const PinnedThread pinned(index + 1);
    vcpu.bind(fmt::format("vcpu-{}", index));
    const std::atomic_ref<std::uint8_t> immediate_exit(immediate_exits_[index].byte);
    while (!stop.stop_requested()) {
      vcpu.take_requests();
      if (!vcpu.enter_guest_mode()) continue;
      while (immediate_exit.load(std::memory_order_relaxed) == 0 && !stop.stop_requested()) cpu_relax();
      vcpu.leave_guest_mode();
    }
    vcpu.unbind();
  }

  NativeMachine machine_;
  std::vector<ImmediateExit> immediate_exits_;
  std::vector<std::jthread> threads_;
};

/// From the request until the last vCPU has acknowledged.
void signal_ipi(benchmark::State& state) {
  GuestModeVcpus targets(static_cast<unsigned>(state.range(0)));
  const PinnedThread pinned(0);
  for (auto _ : state) {
    const std::uint64_t start = CycleClock::now();
    const std::size_t sent = make_all_cpus_request(targets.vcpus(), kRequestTlbFlush);
    state.SetIterationTime(CycleClock::to_ns(CycleClock::now() - start) / 1e9);
    if (sent != targets.vcpus().size()) throw CellError("a vCPU in guest mode was not interrupted");
    targets.wait_until_in_guest();
  }
}

void membarrier_ipi(benchmark::State& state) {
  if (const std::string refused = register_membarrier(); !refused.empty()) {
    state.SkipWithError(refused.c_str());
    return;
  }
  GuestModeVcpus targets(static_cast<unsigned>(state.range(0)));
  const PinnedThread pinned(0);
  for (auto _ : state) membarrier_all();
}

benchmark::internal::Benchmark* with_targets(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("targets");
  const unsigned most = usable_cpus() - 1;
  for (unsigned targets = 1; targets < most; targets *= 2) benchmark->Arg(targets);
  return benchmark->Arg(std::max(1u, most));  // a single CPU: sender and target take turns on it
}

}  // namespace

void register_ipis() {
  with_targets(add("ipi/signal", signal_ipi))->UseManualTime();
  with_targets(add("ipi/membarrier", membarrier_ipi))->UseRealTime();
}

}  // namespace shadowwalk::bench
