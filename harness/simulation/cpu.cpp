#include "harness/simulation/cpu.hpp"

#include <vector>

namespace shadowwalk::simulation {

void Cpu::bind(unsigned number) {
  number_ = number;
  Execution& execution = Execution::current();
  execution.bind(number, this);
  execution.on_interrupt(number, [this] { acknowledged_ = requested_; });
}

void send_ipi(std::span<Cpu* const> targets, SourceLine where) {
  using Kind = Site::Kind;
  Execution& execution = Execution::current();
  Cpu* const self = Cpu::current();
  if (self != nullptr && !self->irqs_enabled()) execution.complain("an IPI is sent with the sender's gate closed");
  if (execution.passes(where, Kind::ipi)) return;
  const Execution::Interrupt interrupt{.sender_barrier = !execution.passes(where, Kind::ipi_sender_barrier),
                                       .target_barrier = !execution.passes(where, Kind::ipi_target_barrier),
                                       .lost = execution.has_bug(Mutant::ipi_lost)};
  std::vector<std::uint64_t> numbers(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target != self) {
      execution.raise_interrupt(target.number_, interrupt, [&] { numbers[i] = ++target.requested_; });
    }
  }
  if (execution.passes(where, Kind::ipi_wait)) return;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    if (&target == self) continue;
    execution.wait_for_mailbox(target.number_, [&] { return target.acknowledged_ >= numbers[i]; });
  }
}

}  // namespace shadowwalk::simulation
