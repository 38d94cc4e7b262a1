// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/kernel_machine.hpp"

#include <cstddef>

namespace shadowwalk::kernel {

void Rcu::call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
  head.func = func;
  head.context = context;
  swk_call_rcu(&head.head);
  // acquire pairs with the release in see(): the probe's last callback is over.
  if (options_.observer == nullptr || seeing_.exchange(true, std::memory_order_acquire)) return;
  began_ = KernelMachine::now();
  probe_.func = [](RcuHead*, void* rcu) { static_cast<Rcu*>(rcu)->see(static_cast<Rcu*>(rcu)->began_); };
  probe_.context = this;
  swk_call_rcu(&probe_.head);
}

void Rcu::synchronize() {
  const std::uint64_t began = KernelMachine::now();
  swk_synchronize_rcu_expedited();
  see(began);
}

void Rcu::see(std::uint64_t began) {
  grace_periods_.fetch_add(1, std::memory_order_relaxed);
  if (options_.observer != nullptr) options_.observer->on_grace_period(began, KernelMachine::now());
  seeing_.store(false, std::memory_order_release);  // pairs with the acquire in call()
}

}  // namespace shadowwalk::kernel

extern "C" {

void swx_rcu_callback(swk_rcu_head* head) {
  using shadowwalk::kernel::RcuHead;
  static_assert(offsetof(RcuHead, head) == 0);
  auto* const called = reinterpret_cast<RcuHead*>(head);
  called->func(called, called->context);
}

void swx_take_ipis(void** targets, size_t count, unsigned cpu) {
  for (void* const target : std::span(targets, count)) {
    auto* const one = static_cast<shadowwalk::kernel::Cpu*>(target);
    if (one->number() == cpu) one->take_ipi();
  }
}

}  // extern "C"
