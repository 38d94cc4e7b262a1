#include "harness/host/guest_mode_vcpus.hpp"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "harness/machine/backoff.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::host {

GuestModeVcpus::GuestModeVcpus(std::vector<std::optional<unsigned>> cpus)
    : cpus_(std::move(cpus)),
      machine_(static_cast<unsigned>(cpus_.size())),
      immediate_exits_(cpus_.size()),
      failures_(cpus_.size()),
      started_(static_cast<std::ptrdiff_t>(cpus_.size())) {
  for (unsigned i = 0; i < cpus_.size(); ++i) {
    machine_.vcpus()[i]->set_immediate_exit(&immediate_exits_[i].byte);
    threads_.emplace_back([this, i](const std::stop_token& stop) { run(i, stop); });
  }
  started_.wait();
  for (const std::exception_ptr& failure : failures_) {
    if (failure) std::rethrow_exception(failure);
  }
  wait_until_in_guest();
}

void GuestModeVcpus::wait_until_in_guest() const {
  for (const Vcpu* vcpu : machine_.vcpus()) {
    Backoff backoff;
    while (vcpu->mode.load(std::memory_order_acquire) != VcpuMode::in_guest) backoff.wait();
  }
}

double GuestModeVcpus::time_signal_ipi() const {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t start = CycleClock::now();
    const std::size_t sent = make_all_cpus_request(vcpus(), kRequestTlbFlush);
    const double ns = CycleClock::to_ns(CycleClock::now() - start);
    wait_until_in_guest();
    if (sent == vcpus().size()) return ns;  // else some vCPU was just leaving the guest, and needed no IPI
  }
  throw CellError("vCPUs in guest mode were not interrupted");
}

void GuestModeVcpus::run(unsigned index, const std::stop_token& stop) {
  try {
    if (cpus_[index]) pin_this_thread(*cpus_[index]);
  } catch (...) {
    failures_[index] = std::current_exception();
  }
  const bool is_pinned = failures_[index] == nullptr;
  started_.count_down();
  if (!is_pinned) return;
  Vcpu& vcpu = *machine_.vcpus()[index];
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

}  // namespace shadowwalk::host
