#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/coherence/directory.hpp"
#include "harness/coherence/line_table.hpp"
#include "harness/coherence/turn_queue.hpp"
#include "harness/fiber/fiber.hpp"

namespace shadowwalk::coherence {

class Execution;

/// A simulated CPU, and what runs on it. Its time is what its program has come to: out of order as a real one's, but
/// only so far as a barrier lets it.
class Processor {
 public:
  Processor(Execution& execution, unsigned number, std::string name, std::function<void()> program);

  /// That whose program runs; null outside of programs.
  static Processor* running() { return running_; }

  unsigned number() const { return number_; }
  const std::string& name() const { return name_; }
  Execution& execution() { return execution_; }
  Picoseconds now() const { return issue_; }
  /// What the machine keeps for the CPU; null at first.
  void bind(void* what) { bound_ = what; }
  void* bound() const { return bound_; }

  // --- Accesses of the running program

  void load(const void* address);
  void store(const void* address);
  void locked(const void* address);
  /// A locked operation on a line that nobody else ever wants.
  void locked_on_own_stack() {
    drain_for_locked();
    work(costs_.locked);
  }
  void fence();
  /// Something that takes time and touches no memory that others do.
  void work(Picoseconds time) {
    issue_ += time;
    pause_if_others_are_behind();
  }

  // --- Waiting. The CPU takes interrupts meanwhile, unless its gate is closed.

  enum class Wakes { by_wake, by_interrupts_too };
  /// Until then, or until it is woken.
  void sleep_until(Picoseconds time, Wakes wakes = Wakes::by_wake);
  /// Until it is woken.
  void block() { sleep_until(kNever); }
  /// Ends another CPU's sleep at `at`; nothing if it does not sleep.
  void wake(Picoseconds at);

  // --- Interrupts

  void set_gate(bool closed);
  /// Reaches the CPU at `at`; `acknowledged` is told when its handler has run. Of another CPU.
  void interrupt(Picoseconds at, std::function<void(Picoseconds at)> acknowledged);
  /// An interrupt that no gate keeps out and that does nothing but take time (membarrier).
  void steal(Picoseconds time) { stolen_ += time; }

  /// Lines that came from or went out of others' caches for this CPU, and lines from memory.
  std::uint64_t transfers() const { return transfers_; }
  std::uint64_t memory_fetches() const { return memory_fetches_; }

 private:
  friend class Execution;

  /// A line that is another's by now, which this CPU can still write until then.
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
  /// How far the program may run ahead of its store buffer's emptying: some 50 stores of which some miss.
  static constexpr Picoseconds kStoreBufferWindow = 200'000;

  void pause_if_others_are_behind() {
    if (issue_ > run_until_) [[unlikely]]
      pause();
  }
  [[gnu::noinline]] void pause();
  [[gnu::noinline]] void load_miss(Line& line);
  [[gnu::noinline]] void in_order();
  /// Runs the handlers of what has arrived until then.
  void take_interrupts(Picoseconds until);
  Picoseconds next_interrupt() const;
  bool keeps(const Line& line);
  void note(const Line& line, const Directory::Moved& moved);
  void drain_for_locked() {
    issue_ = std::max(issue_, stored_);
    if (costs_.locked_waits_for_loads) issue_ = std::max(issue_, loaded_);
  }
  /// Everything before is done.
  void drain() { issue_ = std::max({issue_, loaded_, stored_}); }

  static inline constinit thread_local Processor* running_ = nullptr;

  Execution& execution_;
  LineTable& lines_;
  const CpuCosts costs_;
  const unsigned number_;
  const std::string name_;
  Fiber fiber_;
  Picoseconds issue_ = 0;   // the program has been issued until then
  Picoseconds loaded_ = 0;  // its loads are there
  Picoseconds stored_ = 0;  // its store buffer is empty
  Picoseconds run_until_ = 0;
  Picoseconds stolen_ = 0;
  std::vector<Kept> kept_;
  std::vector<Interrupt> interrupts_;  // pending
  void* bound_ = nullptr;
  bool gate_closed_ = false;
  bool sleeps_ = false;
  Wakes wakes_ = Wakes::by_wake;
  std::uint64_t transfers_ = 0;
  std::uint64_t memory_fetches_ = 0;
};

/// One run of programs on simulated CPUs that share memory coherently. Time is each CPU's own; whoever is behind runs
/// next, so that accesses which move a line happen in order of time. An access that the own cache serves may run ahead
/// by the time that a line's shortest move takes: nobody's change could have arrived earlier. Deterministic. Everything
/// runs on the caller's thread.
///
/// Outside the CPUs' programs (set-up, and what comes after run()) memory is used directly and nothing takes time.
class Execution {
 public:
  /// `topology` outlives the execution.
  explicit Execution(const Topology& topology);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// The calling thread's; there must be one.
  static Execution& current() { return *current_; }

  /// Before run(). `program` must not throw. Returns the CPU's number, from 0 on, in the topology, and one more, beside
  /// the first: for what a host would run wherever there is room (the reclaimer). Throws InputError for more.
  unsigned add_cpu(std::string name, std::function<void()> program);
  /// Until all programs have ended. A deadlock is a broken invariant.
  void run();

  Processor& cpu(unsigned number) { return *cpus_.at(number); }
  std::size_t cpus() const { return cpus_.size(); }
  /// CPUs whose program has not ended.
  std::size_t alive() const { return alive_; }
  /// Called whenever a program has ended, with the time.
  void on_end(std::function<void(Picoseconds)> told) { on_end_.push_back(std::move(told)); }
  const Topology& topology() const { return topology_; }
  LineTable& lines() { return lines_; }
  const Directory& directory() const { return directory_; }
  /// The running program's time; the end of the run outside of programs.
  Picoseconds now() const { return Processor::running() != nullptr ? Processor::running()->now() : end_; }

 private:
  friend class Processor;
  /// What the running program may do before another's turn comes.
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
  pause_if_others_are_behind();
}

}  // namespace shadowwalk::coherence
