#include "harness/simulation/rcu.hpp"

#include <utility>

namespace shadowwalk::simulation {

Rcu::Rcu(const Options&) : outer_(std::exchange(current_, this)) {
  Execution& execution = Execution::current();
  queue_location_ = execution.new_location();
  reclaimer_ = execution.add_cpu("reclaim-0", [this] { reclaim(); });
  readers_.resize(execution.cpus());
  for (Reader& reader : readers_) reader.location = execution.new_location();
}

Rcu::~Rcu() { current_ = outer_; }

Rcu::Reader& Rcu::reader() { return readers_.at(Execution::current().cpu()); }

void Rcu::enter() {
  Execution& execution = Execution::current();
  if (!execution.on_cpu() || reader().nesting++ != 0) return;
  execution.step(Operation{.what = "enters an RCU section"}.touch(reader().location, true));
  ++reader().sections;
}

void Rcu::leave() {
  Execution& execution = Execution::current();
  if (!execution.on_cpu() || --reader().nesting != 0) return;
  execution.step(Operation{.what = "leaves an RCU section"}.touch(reader().location, true));
  ++reader().sections;
}

void Rcu::call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
  head.func = func;
  head.context = context;
  Execution::current().step(
      Operation{.what = "queues an RCU callback", .drains = Operation::Drains::own}.touch(queue_location_, true));
  queue_.push_back(&head);
}

void Rcu::barrier() { run_all(std::exchange(queue_, {})); }

void Rcu::run_all(std::vector<RcuHead*> callbacks) {
  for (RcuHead* head : callbacks) head->func(head, head->context);
}

void Rcu::reclaim() {
  Execution& execution = Execution::current();
  for (;;) {
    execution.step(
        Operation{.what = "looks for RCU callbacks", .drains = Operation::Drains::own}.touch(queue_location_, true),
        [&] { return !queue_.empty() || execution.others_ended(reclaimer_); });
    if (queue_.empty()) return;
    const auto callbacks = std::exchange(queue_, {});
    synchronize();
    run_all(callbacks);
  }
}

Operation Rcu::grace_period_step(const char* what) {
  Operation step{.what = what, .drains = Operation::Drains::all};
  for (const Reader& reader : readers_) step.touch(reader.location, false);
  return step;
}

void Rcu::synchronize() {
  Execution& execution = Execution::current();
  execution.step(grace_period_step("begins a grace period"));
  const std::vector<Reader> at_begin = readers_;  // `sections` is odd within one
  execution.step(grace_period_step("ends a grace period"), [&] {
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      if (at_begin[i].sections % 2 == 1 && readers_[i].sections == at_begin[i].sections) return false;
    }
    return true;
  });
  ++grace_periods_;
}

}  // namespace shadowwalk::simulation
