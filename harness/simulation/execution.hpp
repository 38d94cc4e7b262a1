#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/fiber/fiber.hpp"
#include "harness/machine/mutant.hpp"
#include "harness/simulation/memory_model.hpp"
#include "harness/simulation/schedule.hpp"
#include "harness/simulation/site.hpp"
#include "harness/simulation/store_buffer.hpp"
#include "harness/simulation/transition.hpp"

namespace shadowwalk::simulation {

/// One run of a program on simulated CPUs, in which a Schedule decides what happens next. Everything runs on the
/// caller's thread; one execution at a time a thread.
///
/// Outside the CPUs' programs (what is set up before run(), what is looked at after it) memory is used directly: every
/// buffer is empty then.
class Execution {
 public:
  enum class End {
    finished,  ///< all programs have ended, all stores are seen
    stopped,   ///< the schedule ended it; the rest was run in some order, so that nothing is left half done
    wrong,     ///< somebody complained: `complaint()`; the rest was run as when stopped
    deadlock,  ///< nobody can go on: `stuck()` says who
    too_long   ///< more steps than `kMostSteps`
  };
  static constexpr std::size_t kMostSteps = 20'000;

  Execution(MemoryModel model, Schedule& schedule);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  /// The calling thread's; there must be one.
  static Execution& current();

  /// Before run(). Returns the CPU's number, from 0 on.
  unsigned add_cpu(std::string name, std::function<void()> program);
  End run();

  const std::string& cpu_name(unsigned cpu) const { return cpus_.at(cpu)->name; }
  std::size_t cpus() const { return cpus_.size(); }
  MemoryModel model() const { return model_; }
  /// After a deadlock: the CPUs that wait, and for what.
  std::vector<Transition> stuck() const;
  /// What went wrong first; empty: nothing.
  const std::string& complaint() const { return complaint_; }

  /// Sees each step, and what a CPU puts into its store buffer, in words, until somebody complains. Before anything is
  /// made.
  using Observer = std::function<void(unsigned cpu, const std::string& what)>;
  void observe(Observer observer) { observer_ = std::move(observer); }
  /// For observers.
  void name(const Location& location, std::string name) {
    if (observer_) names_[location.id] = std::move(name);
  }
  /// How observers are told of variables without a name, and of values. Before run().
  struct Words {
    virtual ~Words() = default;
    virtual std::string location(const Location& location) const = 0;  ///< empty: it does not know
    virtual std::string value(std::uint64_t value) const = 0;          ///< the same
  };
  void use(const Words& words) { words_ = &words; }

  /// Stores of a CPU that others do not see yet, in words, the oldest first. For observers.
  std::vector<std::string> buffered_in_words(unsigned cpu) const;

  /// What orders something at this site orders nothing. Before anything runs.
  void weaken(const Site& site) { weakened_ = site; }
  /// Keeps every site that is passed, from now on.
  void collect_sites(SiteCollection& sites) { sites_ = &sites; }
  /// The source has this bug. Before anything runs.
  void plant(Mutant mutant) { planted_ = mutant; }
  /// Whether the planted bug's place in the source was passed.
  bool passed_planted() const { return passed_planted_; }

  // --- For the simulated machine's parts, which programs use

  LocationId new_location() { return next_location_++; }
  bool on_cpu() const { return running_ != nullptr; }
  /// The CPU whose program calls. Only on_cpu().
  unsigned cpu() const { return running_->number; }

  /// A step of the calling CPU's program: returns when the schedule has let it happen, not before ready().
  void step(const Operation& operation, const std::function<bool()>& ready = {});

  std::uint64_t load(Location& location);
  void store(Location& location, std::uint64_t value, bool release);
  /// Exchanges the value of a location for change(value); returns the old one. A locked operation.
  template <class Change>
  std::uint64_t read_modify_write(Location& location, Change change) {
    before_read_modify_write(location);
    const std::uint64_t old = location.value;
    location.value = change(old);
    if (observer_ && on_cpu()) tell_change(location, old);
    return old;
  }
  /// Full barrier.
  void fence();
  /// A site is passed. Whether it is the one that was weakened.
  bool passes(const SourceLine& where, Site::Kind kind);
  /// Whether this bug is planted.
  bool has(Mutant mutant) {
    if (planted_ != mutant) return false;
    passed_planted_ = true;
    return true;
  }
  /// Of the calling CPU: from now on its fences and exchanges order nothing, or do again.
  void set_unordered(bool unordered) {
    if (on_cpu()) running_->unordered = unordered;
  }
  /// Something went wrong: the execution ends here.
  void complain(const std::string& what);
  /// The body of a loop that waits: returns when something that the CPU has loaded since its last store or wait has
  /// another value. At once if there is nothing such.
  void wait_for_change();
  bool buffers_empty() const;
  bool others_ended(unsigned than_cpu) const;
  bool all_ended() const { return others_ended(static_cast<unsigned>(cpus_.size())); }
  /// Called when somebody complains, from where that is.
  void on_complaint(std::function<void(const std::string&)> listener) { on_complaint_ = std::move(listener); }
  /// What the machine keeps for a CPU; null at first.
  void bind(unsigned cpu, void* what) { cpus_.at(cpu)->bound = what; }
  void* bound(unsigned cpu) const { return cpus_.at(cpu)->bound; }

  // --- Interrupts

  /// What a CPU does when an interrupt reaches it, in one step: its gate is open and its store buffer empty.
  void on_interrupt(unsigned cpu, std::function<void()> handler);
  struct Interrupt {
    bool sender_barrier = true;  ///< a full barrier of the sender's before it is sent
    bool target_barrier = true;  ///< a full barrier of the target's before its handler runs
    bool lost = false;           ///< it is never delivered
  };
  /// Delivered to `cpu` some time from now. `prepare` happens in the same step.
  void raise_interrupt(unsigned cpu, const Interrupt& interrupt, const std::function<void()>& prepare);
  /// Of the calling CPU: while its gate is closed no interrupt is delivered.
  void set_gate(bool closed);
  /// A step of the calling CPU's whose order with interrupts of it matters.
  void look_at_gate(const char* what);
  /// What handlers write and raise_interrupt() prepares: waits of the calling CPU until ready(), which looks at what
  /// CPU `of` has acknowledged.
  void wait_for_mailbox(unsigned of, const std::function<bool()>& ready);
  /// A step that sees what handlers of CPU `of` have written until then.
  void look_at_mailbox(unsigned of);

  /// A full barrier on every CPU, at one moment.
  void fence_all();

 private:
  struct Cpu {
    Cpu(unsigned number_in, std::string name_in, std::function<void()> program);
    unsigned number;
    std::string name;
    Fiber fiber;
    StoreBuffer buffer;
    Operation next;  // the step that its program has come to
    const std::function<bool()>* ready = nullptr;
    std::vector<std::pair<Location*, std::uint64_t>> seen;  // loaded since the last store or wait
    std::function<void()> interrupt_handler;
    LocationId gate = 0;
    LocationId mailbox = 0;
    std::uint32_t steps = 0;  // of the program
    void* bound = nullptr;
    bool gate_closed = false;
    bool interrupt_pending = false;
    bool interrupt_drains = true;
    bool unordered = false;
  };

  void before_read_modify_write(Location& location);
  void collect();
  bool can_step(const Cpu& cpu) const;
  /// Returns whether a program left stores in its buffer.
  bool apply(const Transition& transition);
  void run_program(Cpu& cpu);
  std::string in_words(std::uint64_t value) const;
  std::string in_words(const Location& location) const;
  void tell(const Cpu& cpu, const char* what) const;
  void tell(const Cpu& cpu, const char* what, const Location& location, std::uint64_t value,
            const std::string& more = {}) const;
  void tell_change(const Location& location, std::uint64_t old) const;
  std::uint64_t value_for(const Cpu& cpu, const Location& location) const;

  const MemoryModel model_;
  Schedule& schedule_;
  Execution* const outer_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  Cpu* running_ = nullptr;
  LocationId next_location_ = 1;
  Observer observer_;
  std::map<LocationId, std::string> names_;
  const Words* words_ = nullptr;
  std::optional<Site> weakened_;
  SiteCollection* sites_ = nullptr;
  std::optional<Mutant> planted_;
  bool passed_planted_ = false;
  std::string complaint_;
  std::function<void(const std::string&)> on_complaint_;
  std::vector<Transition> enabled_;
  std::vector<Transition> blocked_;
};

}  // namespace shadowwalk::simulation
