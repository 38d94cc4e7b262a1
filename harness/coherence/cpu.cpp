#include "harness/coherence/cpu.hpp"

#include <algorithm>
#include <vector>

#include "harness/machine/check.hpp"

namespace shadowwalk::coherence {

void Cpu::bind(unsigned number) {
  processor_ = &Execution::current().cpu(number);
  processor_->bind(this);
}

Cpu* Cpu::current() {
  Processor* const running = Processor::running();
  return running == nullptr ? nullptr : static_cast<Cpu*>(running->bound());
}

void Cpu::full_fence() {
  // `lock; addl` on the own stack, as the kernel's smp_mb(): not mfence.
  if (Processor* const cpu = Processor::running()) cpu->locked_on_own_stack();
}

void membarrier_all() {
  Processor* const self = Processor::running();
  if (self == nullptr) return;
  const InterruptCosts& cost = self->execution().topology().interrupt;
  for (unsigned i = 0; i < self->execution().cpus(); ++i) {
    if (i == self->number()) continue;
    self->work(cost.send);
    self->execution().cpu(i).steal(cost.handle);
  }
  self->work(cost.deliver + cost.handle);
}

void send_ipi(std::span<Cpu* const> targets) {
  Processor* const sender = Processor::running();
  if (sender == nullptr) return;  // no CPU runs
  const Topology& topology = sender->execution().topology();
  std::vector<Picoseconds> answered(targets.size(), kNever);
  std::size_t missing = targets.size();
  bool waits = false;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Cpu& target = *targets[i];
    SHADOWWALK_CHECK(target.processor_ != sender, "an IPI to itself");
    sender->work(topology.interrupt.send);
    const std::uint64_t number = ++target.requested_;
    target.processor_->interrupt(sender->now() + topology.interrupt.deliver, [&, i, number](Picoseconds at) {
      target.acknowledged_ = std::max(target.acknowledged_, number);
      answered[i] = at;
      if (--missing == 0 && waits) sender->wake(at);
    });
  }
  waits = true;
  while (missing != 0) sender->block();
  Picoseconds read = sender->now();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    read = std::max(read, answered[i]) + topology.transfer_between(targets[i]->processor_->number(), sender->number());
  }
  sender->work(read - sender->now());
}

}  // namespace shadowwalk::coherence
