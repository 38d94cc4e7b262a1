#include "harness/coherence/rcu.hpp"

#include <utility>

#include "harness/coherence/cpu.hpp"

namespace shadowwalk::coherence {
namespace {

constexpr Picoseconds kPoll = 200'000;  // between two checks of a reader that is in a section

}  // namespace

Rcu::Rcu(const Options& options)
    : outer_(std::exchange(current_, this)),
      options_(options),
      reclaimer_(Execution::current().add_cpu("reclaim-0", [this] { reclaim(); })),
      readers_(new Reader[reclaimer_ + 1]) {
  Execution& execution = Execution::current();
  execution.on_end([this, &execution](Picoseconds at) {
    if (execution.alive() == 1) wake_reclaimer(at);
  });
}

Rcu::~Rcu() { current_ = outer_; }

void Rcu::call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
  head.func = func;
  head.context = context;
  queued_.fetch_add(1, std::memory_order_release);
  queue_.push_back(&head);
  if (Processor* const cpu = Processor::running()) {
    wake_reclaimer(cpu->now() + cpu->execution().topology().interrupt.deliver);
  }
}

/// Only if it is idle: otherwise it checks the queue again by itself.
void Rcu::wake_reclaimer(Picoseconds at) {
  if (std::exchange(idle_, false)) Execution::current().cpu(reclaimer_).wake(at);
}

void Rcu::barrier() { run_all(std::exchange(queue_, {})); }

void Rcu::run_all(std::vector<RcuHead*> callbacks) {
  for (RcuHead* head : callbacks) head->func(head, head->context);
}

void Rcu::reclaim() {
  Processor& cpu = *Processor::running();
  while (cpu.execution().alive() > 1 || !queue_.empty()) {
    if (queue_.empty()) {
      idle_ = true;
      cpu.block();
      continue;
    }
    if (options_.interval != 0) cpu.sleep_until((cpu.now() / options_.interval + 1) * options_.interval);
    queued_.exchange(0, std::memory_order_acquire);
    const auto callbacks = std::exchange(queue_, {});
    synchronize();
    run_all(callbacks);
  }
}

void Rcu::synchronize() {
  Processor* const running = Processor::running();
  if (running == nullptr) return;
  Processor& cpu = *running;
  const Picoseconds began = cpu.now();
  membarrier_all();
  for (unsigned i = 0; i < reclaimer_; ++i) {
    Atomic<std::uint64_t>& sections = readers_[i].sections;
    const std::uint64_t at_begin = sections.load(std::memory_order_acquire);
    if (at_begin % 2 == 0) continue;
    while (sections.load(std::memory_order_acquire) == at_begin) cpu.sleep_until(cpu.now() + kPoll);
  }
  membarrier_all();
  ++grace_periods_;
  if (options_.observer == nullptr) return;
  options_.observer->on_grace_period(static_cast<std::uint64_t>(began), static_cast<std::uint64_t>(cpu.now()));
}

}  // namespace shadowwalk::coherence
