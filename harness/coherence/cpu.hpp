#pragma once

#include <cstdint>
#include <span>

#include "harness/coherence/execution.hpp"
#include "harness/machine/mutant.hpp"

namespace shadowwalk::coherence {

/// harness/machine/cpu.hpp's Cpu on the coherence machine: an interrupt gate and the target of IPIs.
class Cpu {
 public:
  Cpu() = default;
  Cpu(const Cpu&) = delete;
  Cpu& operator=(const Cpu&) = delete;

  /// Binds it to a CPU of the current execution, before that runs.
  void bind(unsigned number);

  /// The Cpu that is bound to the CPU whose program runs; null if there is none.
  static Cpu* current();
  static void full_fence();
  static constexpr bool has_bug(Mutant) { return false; }

  void irq_disable() { set_gate(true); }
  void irq_enable() { set_gate(false); }
  bool irqs_enabled() const { return !gate_closed_; }

  std::uint64_t interrupts_taken() const { return acknowledged_; }
  std::uint64_t ipis_requested() const { return requested_; }
  std::uint64_t ipis_acknowledged() const { return acknowledged_; }

 protected:
  std::uint8_t* immediate_exit_ = nullptr;  // an interrupt ends a simulated guest's run

 private:
  friend void send_ipi(std::span<Cpu* const> targets);

  void set_gate(bool closed) {
    gate_closed_ = closed;
    if (Processor* const cpu = Processor::running()) cpu->set_gate(closed);
  }

  Processor* processor_ = nullptr;
  bool gate_closed_ = false;
  std::uint64_t requested_ = 0;
  std::uint64_t acknowledged_ = 0;
};

/// Interrupts every other CPU, one after the other, whether its gate is open or not (MEMBARRIER_CMD_PRIVATE_EXPEDITED).
/// Does nothing outside of programs.
void membarrier_all();

/// Interrupts every target, one after the other, and returns when the sender has read all acknowledgements, again one
/// after the other: each is on its target's line. Does nothing outside of programs.
void send_ipi(std::span<Cpu* const> targets);

}  // namespace shadowwalk::coherence
