#include "harness/simulation/cpu.hpp"

#include <vector>

#include "harness/machine/check.hpp"

namespace shadowwalk::simulation {

void Cpu::bind(unsigned number) {
  number_ = number;
  Execution& execution = Execution::current();
  execution.bind(number, this);
  execution.on_interrupt(number, [this] { acknowledged_ = requested_; });
}

void send_ipi(std::span<Cpu* const> targets) {
  Execution& execution = Execution::current();
  Cpu* const self = Cpu::current();
  SHADOWWALK_CHECK(self == nullptr || self->irqs_enabled(), "an IPI is sent with the caller's interrupt gate closed");
  std::vector<std::uint64_t> numbers(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target != self) execution.raise_interrupt(target.number_, [&] { numbers[i] = ++target.requested_; });
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target == self) continue;
    execution.wait_for_mailbox(target.number_, [&] { return target.acknowledged_ >= numbers[i]; });
  }
}

}  // namespace shadowwalk::simulation
