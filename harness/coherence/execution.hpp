#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/coherence/directory.hpp"
#include "harness/fiber/fiber.hpp"

namespace shadowwalk::coherence {

class Execution;

/// When each CPU's turn is: a tournament tree. A change takes time logarithmic in the number of CPUs, finding the
/// earliest takes none. Of two CPUs with the same time, the one with the lower number is first.
class TurnQueue {
 public:
  /// No CPU has a turn. Before any other call.
  void resize(std::size_t cpus) {
    first_leaf_ = std::bit_ceil(cpus);
    when_.assign(first_leaf_, kNever);
    winner_.assign(2 * first_leaf_, 0);
    for (std::size_t i = 0; i < first_leaf_; ++i) winner_[first_leaf_ + i] = static_cast<unsigned>(i);
    for (std::size_t i = first_leaf_ - 1; i > 0; --i) play(i);
  }

  /// kNever: no turn.
  void set(unsigned cpu, Picoseconds when) {
    when_[cpu] = when;
    for (std::size_t i = (first_leaf_ + cpu) / 2; i > 0; i /= 2) play(i);
  }
  unsigned first() const { return winner_[1]; }
  Picoseconds earliest() const { return when_[winner_[1]]; }

 private:
  void play(std::size_t i) {
    const unsigned left = winner_[2 * i];
    const unsigned right = winner_[2 * i + 1];
    winner_[i] = when_[left] <= when_[right] ? left : right;
  }

  std::size_t first_leaf_ = 1;
  std::vector<Picoseconds> when_;
  std::vector<unsigned> winner_{0, 0};
};

/// A simulated CPU and its program. Its time is how far its program has come: out of order as on a real CPU, as far as
/// barriers permit.
class Processor {
 public:
  Processor(Execution& execution, unsigned number, std::function<void()> program);

  /// The CPU whose program runs; null outside of programs.
  static Processor* running() { return running_; }

  unsigned number() const { return number_; }
  Execution& execution() { return execution_; }
  Picoseconds now() const { return issue_; }
  /// What the machine keeps for the CPU; null at first.
  void bind(void* what) { bound_ = what; }
  void* bound() const { return bound_; }

  // --- Accesses of the running program

  void load(const void* address);
  void store(const void* address);
  void locked(const void* address);
  /// A locked operation on a line that no other CPU ever wants.
  void locked_on_own_stack() {
    drain_for_locked();
    work(costs_.locked);
  }
  void fence();
  /// Takes time and accesses no memory that others access.
  void work(Picoseconds time) {
    issue_ += time;
    pause_at_limit();
  }

  // --- Waiting. The CPU takes interrupts meanwhile, unless its gate is closed.

  enum class Wakes { by_wake, by_interrupts_too };
  /// Until `time`, or until it is woken.
  void sleep_until(Picoseconds time, Wakes wakes = Wakes::by_wake);
  /// Until it is woken.
  void block() { sleep_until(kNever); }
  /// Ends another CPU's sleep at `at`; nothing if it does not sleep.
  void wake(Picoseconds at);

  // --- Interrupts

  void set_gate(bool closed);
  /// Reaches the CPU at `at`; `acknowledged` is called with the time when its handler has run. Called by another CPU.
  void interrupt(Picoseconds at, std::function<void(Picoseconds at)> acknowledged);
  /// An interrupt that ignores the gate and only takes time (membarrier).
  void steal(Picoseconds time) { stolen_ += time; }

  /// Lines that this CPU fetched from other caches, or had them drop.
  std::uint64_t transfers() const { return transfers_; }

 private:
  friend class Execution;

  /// A line that another CPU owns by now, but that this CPU can still write until then.
  struct Kept {
    const Line* line;
    Picoseconds until;
  };
  struct Interrupt {
    Picoseconds at;
    std::function<void(Picoseconds)> acknowledged;
  };

  /// How far loads may run ahead of what they wait for: a reorder buffer of a few hundred instructions.
  static constexpr Picoseconds kReorderWindow = 50'000;
  /// How far the program may run ahead of its store buffer: some 50 stores, some of which miss.
  static constexpr Picoseconds kStoreBufferWindow = 200'000;

  void pause_at_limit() {
    if (issue_ > run_until_) [[unlikely]]
      pause();
  }
  [[gnu::noinline]] void pause();
  [[gnu::noinline]] void load_miss(Line& line);
  [[gnu::noinline]] void in_order();
  /// Runs the handlers of the interrupts that have arrived until then.
  void take_interrupts(Picoseconds until);
  Picoseconds next_interrupt() const;
  bool keeps(const Line& line);
  void note(const Line& line, const Directory::Moved& moved);
  void drain_for_locked() {
    issue_ = std::max(issue_, stored_);
    if (costs_.locked_waits_for_loads) issue_ = std::max(issue_, loaded_);
  }
  /// Waits until all earlier accesses have completed.
  void drain() { issue_ = std::max({issue_, loaded_, stored_}); }

  static inline constinit thread_local Processor* running_ = nullptr;

  Execution& execution_;
  LineTable& lines_;
  const CpuCosts costs_;
  const unsigned number_;
  Fiber fiber_;
  Picoseconds issue_ = 0;   // the program has been issued up to here
  Picoseconds loaded_ = 0;  // its loads have completed then
  Picoseconds stored_ = 0;  // its store buffer is empty then
  Picoseconds run_until_ = 0;
  Picoseconds stolen_ = 0;
  std::vector<Kept> kept_;
  std::vector<Interrupt> interrupts_;  // pending
  void* bound_ = nullptr;
  bool gate_closed_ = false;
  bool sleeps_ = false;
  Wakes wakes_ = Wakes::by_wake;
  std::uint64_t transfers_ = 0;
};

/// One run of programs on simulated CPUs that share memory coherently. Each CPU has its own clock; the CPU with the
/// earliest clock runs next, so that accesses that transfer a line happen in order of time. An access that the own
/// cache serves may run ahead by the shortest time that a line's transfer takes: no other CPU's change could have
/// arrived earlier. Deterministic. Everything runs on the caller's thread.
///
/// Outside the CPUs' programs (set-up, and what follows run()) memory is used directly and nothing takes time.
class Execution {
 public:
  /// `topology` outlives the execution.
  explicit Execution(const Topology& topology);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// The calling thread's; there must be one.
  static Execution& current() { return *current_; }

  /// Before run(). `program` must not throw. Returns the CPU's number, from 0 on. Beyond the topology's CPUs there may
  /// be one more, placed beside the first: for what a host would run wherever there is room (the reclaimer). Throws
  /// InputError, which says the `name`, if there are more.
  unsigned add_cpu(const std::string& name, std::function<void()> program);
  /// Returns when all programs have ended. A deadlock is a broken invariant.
  void run();

  Processor& cpu(unsigned number) { return *cpus_.at(number); }
  std::size_t cpus() const { return cpus_.size(); }
  /// CPUs whose program has not ended.
  std::size_t alive() const { return alive_; }
  /// `listener` is called with the time whenever a program has ended.
  void on_end(std::function<void(Picoseconds)> listener) { on_end_.push_back(std::move(listener)); }
  const Topology& topology() const { return topology_; }
  LineTable& lines() { return lines_; }
  /// The running program's time; the end of the run outside of programs.
  Picoseconds now() const { return Processor::running() != nullptr ? Processor::running()->now() : end_; }

 private:
  friend class Processor;
  /// Sets how far the running program may go before another CPU's turn.
  void limit(Processor& cpu) const;

  static inline thread_local Execution* current_ = nullptr;

  Execution* const outer_;
  const Topology& topology_;
  const Directory directory_;
  const Picoseconds lookahead_;
  LineTable lines_;
  std::vector<std::unique_ptr<Processor>> cpus_;
  TurnQueue turns_;  // of all but the running one
  std::vector<std::function<void(Picoseconds)>> on_end_;
  std::size_t alive_ = 0;
  Picoseconds end_ = 0;
};

inline void Processor::load(const void* address) {
  Line& line = lines_.at(address);
  if (!line.readable(number_)) [[unlikely]]
    return load_miss(line);
  issue_ += costs_.load;
  // Loads of one walk wait for each other; loads of the next do not, as far as the reorder buffer reaches.
  loaded_ = std::max(issue_, std::min(loaded_, issue_ + kReorderWindow)) + costs_.load_latency;
  pause_at_limit();
}

}  // namespace shadowwalk::coherence
