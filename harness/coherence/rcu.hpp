#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "harness/coherence/atomic.hpp"
#include "harness/machine/machine.hpp"

namespace shadowwalk::coherence {

/// harness/machine/rcu.hpp's Rcu on the coherence machine, at the cost of liburcu's memb flavour: a reader writes a
/// word of its own; a grace period interrupts every other CPU (membarrier), reads all words, waits for the sections
/// that it found open, and interrupts all again. Callbacks run on a CPU of their own.
class Rcu {
 public:
  struct Options {
    Picoseconds interval = 0;  ///< grace periods begin at its multiples; 0: as soon as there is a callback
    GracePeriodObserver* observer = nullptr;  ///< times are picoseconds of the reclaimer's CPU
  };

  /// Adds the CPU `reclaim-0` to the current execution, after all others.
  explicit Rcu(const Options& options);
  ~Rcu();
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  static void read_lock() { current_->change_section(); }
  static void read_unlock() { current_->change_section(); }

  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context);
  /// Called by a running program outside a section. Outside of programs there is nothing to wait for.
  void synchronize();
  /// After the execution: runs the callbacks that are left.
  void barrier();
  std::uint64_t grace_periods() const { return grace_periods_; }

 private:
  struct alignas(64) Reader {
    Atomic<std::uint64_t> sections{0};  // odd within a section
  };

  void change_section() {
    if (Processor* const cpu = Processor::running()) {
      Atomic<std::uint64_t>& sections = readers_[cpu->number()].sections;
      sections.store(sections.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
  void reclaim();
  void wake_reclaimer(Picoseconds at);
  void run_all(std::vector<RcuHead*> callbacks);

  static inline thread_local Rcu* current_ = nullptr;

  Rcu* const outer_;
  const Options options_;
  const unsigned reclaimer_;
  const std::unique_ptr<Reader[]> readers_;      // by CPU
  alignas(64) Atomic<std::uint32_t> queued_{0};  // the line through which callbacks are queued
  std::vector<RcuHead*> queue_;
  bool idle_ = false;
  std::uint64_t grace_periods_ = 0;
};

}  // namespace shadowwalk::coherence
