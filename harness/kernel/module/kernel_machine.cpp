// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "harness/kernel/module/kernel_machine.hpp"

#include <cstddef>

namespace shadowwalk::kernel {

std::uint64_t GracePeriods::now() { return KernelMachine::now(); }

void GracePeriods::see(std::uint64_t began) {
  seen_.fetch_add(1, std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->on_grace_period(began, now());
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
