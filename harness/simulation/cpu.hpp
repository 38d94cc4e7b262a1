#pragma once

#include <cstdint>
#include <span>

#include "harness/machine/mutant.hpp"
#include "harness/simulation/execution.hpp"

namespace shadowwalk::simulation {

/// harness/machine/cpu.hpp's Cpu on the simulated machine: an interrupt gate and a mailbox for IPIs. Bound to a CPU of
/// the current execution before that runs.
class Cpu {
 public:
  Cpu() = default;
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  void bind(unsigned number);

  /// The Cpu that is bound to the calling CPU; null if none.
  static Cpu* current() {
    Execution& execution = Execution::current();
    return execution.on_cpu() ? static_cast<Cpu*>(execution.bound(execution.cpu())) : nullptr;
  }
  static void full_fence(SourceLine where = SourceLine::current()) {
    Execution& execution = Execution::current();
    if (!execution.passes(where, Site::Kind::full_fence)) execution.fence();
  }

  static bool has_bug(Mutant mutant) { return Execution::current().has_bug(mutant); }

  void irq_disable(SourceLine where = SourceLine::current()) {
    if (!Execution::current().passes(where, Site::Kind::interrupt_gate)) set_gate(true);
  }
  void irq_enable() {
    if (gate_closed_ && !has_bug(Mutant::gate_left_closed)) set_gate(false);
  }
  bool irqs_enabled() const { return !gate_closed_; }

  std::uint64_t interrupts_taken() const {
    Execution::current().look_at_mailbox(number_);
    return acknowledged_;
  }
  std::uint64_t ipis_requested() const { return requested_; }
  std::uint64_t ipis_acknowledged() const { return acknowledged_; }

  /// Steps of a vCPU: it is about to enter the guest; whether the guest still runs, that is, no interrupt has arrived
  /// since. (On hardware the interrupt itself ends the guest's run.) Own program only.
  void start_guest() {
    Execution::current().look_at_gate("is about to enter the guest");
    acknowledged_at_start_ = acknowledged_;
  }
  bool guest_goes_on() const {
    Execution::current().look_at_gate("runs the guest");
    return acknowledged_ == acknowledged_at_start_;
  }

 protected:
  std::uint8_t* immediate_exit_ = nullptr;  // unused: a simulated guest never runs for longer than one step

 private:
  friend void send_ipi(std::span<Cpu* const> targets, SourceLine where);

  void set_gate(bool closed) {
    Execution::current().set_gate(closed);
    gate_closed_ = closed;
  }

  unsigned number_ = 0;
  bool gate_closed_ = false;
  std::uint64_t requested_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t acknowledged_at_start_ = 0;
};

/// Interrupts every target and returns when all have acknowledged. A full barrier on the caller's CPU, and on each
/// target's when it acknowledges.
void send_ipi(std::span<Cpu* const> targets, SourceLine where = SourceLine::current());

}  // namespace shadowwalk::simulation
