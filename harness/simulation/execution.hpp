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
#include "harness/simulation/schedule.hpp"
#include "harness/simulation/site.hpp"
#include "harness/simulation/store_buffer.hpp"

namespace shadowwalk::simulation {

/// One run of a program on simulated CPUs, in which a Schedule decides what happens next. Everything runs on the
/// caller's thread; one execution at a time per thread.
///
/// Outside the CPUs' programs (set-up before run(), checks after it) memory is used directly: every buffer is empty
/// then.
class Execution {
 public:
  enum class End {
    finished,  ///< all programs have ended, all stores are visible
    stopped,   ///< the schedule ended it; the rest was run in some order, so that nothing is left half done
    wrong,     ///< a check complained: `complaint()`; the rest was run as when stopped
    deadlock,  ///< no CPU can continue: `stuck()` lists them
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
  /// After a deadlock: what each CPU waits for.
  const std::vector<Transition>& stuck() const { return blocked_; }
  /// The first thing that went wrong; empty: nothing.
  const std::string& complaint() const { return complaint_; }

  /// Sees each step, and what a CPU puts into its store buffer, in words, until the first complaint. Call it before
  /// anything else.
  using Observer = std::function<void(unsigned cpu, const std::string& what)>;
  void observe(Observer observer) { observer_ = std::move(observer); }
  /// For observers.
  void name(const Location& location, std::string name) {
    if (observer_) names_[location.id] = std::move(name);
  }
  /// How observers see variables without a name, and values. Before run().
  struct Namer {
    virtual ~Namer() = default;
    virtual std::string location(const Location& location) const = 0;  ///< empty: unknown
    virtual std::string value(std::uint64_t value) const = 0;          ///< the same
  };
  void use(const Namer& namer) { namer_ = &namer; }

  /// A CPU's stores that are not visible to others yet, in words, the oldest first. For observers.
  std::vector<std::string> buffered_in_words(unsigned cpu) const;

  /// What would order something at this site orders nothing. Before anything runs.
  void weaken(const Site& site) { weakened_ = site; }
  /// Collects every site that is passed, from now on.
  void collect_sites(SiteCollection& sites) { sites_ = &sites; }
  /// The source has this bug from now on. Before anything runs.
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
    if (observer_ && on_cpu()) report_change(location, old);
    return old;
  }
  /// Full barrier.
  void fence();
  /// The program passes a site. Returns whether it is the one that was weakened.
  bool passes(const SourceLine& where, Site::Kind kind);
  /// Whether this bug is planted.
  bool has_bug(Mutant mutant) {
    if (planted_ != mutant) return false;
    passed_planted_ = true;
    return true;
  }
  /// Whether the calling CPU's fences and exchanges order nothing from now on.
  void set_unordered(bool unordered) {
    if (on_cpu()) running_->unordered = unordered;
  }
  /// Something went wrong: ends the execution here.
  void complain(const std::string& what);
  /// The body of a loop that waits: returns when something that the CPU has loaded since its last store or wait has
  /// another value; at once if it has loaded nothing.
  void wait_for_change();
  bool others_ended(unsigned than_cpu) const;
  bool all_ended() const { return others_ended(static_cast<unsigned>(cpus_.size())); }
  /// `listener` is called by complain(), at the place of the complaint.
  void on_complaint(std::function<void(const std::string&)> listener) { on_complaint_ = std::move(listener); }
  /// What the machine keeps for a CPU; null at first.
  void bind(unsigned cpu, void* what) { cpus_.at(cpu)->bound = what; }
  void* bound(unsigned cpu) const { return cpus_.at(cpu)->bound; }

  // --- Interrupts

  /// What a CPU does, in one step, when an interrupt reaches it: its gate is open and its store buffer empty.
  void on_interrupt(unsigned cpu, std::function<void()> handler);
  struct Interrupt {
    bool sender_barrier = true;  ///< a full barrier on the sender's CPU before it is sent
    bool target_barrier = true;  ///< a full barrier on the target's CPU before its handler runs
    bool lost = false;           ///< it is never delivered
  };
  /// Delivered to `cpu` some time from now. `prepare` happens in the same step.
  void raise_interrupt(unsigned cpu, const Interrupt& interrupt, const std::function<void()>& prepare);
  /// While the calling CPU's gate is closed it gets no interrupt.
  void set_gate(bool closed);
  /// A step of the calling CPU whose order relative to its interrupts matters.
  void look_at_gate(const char* what);
  /// The mailbox is what handlers write and raise_interrupt() prepares. The calling CPU waits until ready(), which
  /// checks what CPU `of` has acknowledged.
  void wait_for_mailbox(unsigned of, const std::function<bool()>& ready);
  /// A step that sees what handlers of CPU `of` have written so far.
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
    Operation next;  // the step that its program takes next
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
  void report(const Cpu& cpu, const char* what) const;
  void report(const Cpu& cpu, const char* what, const Location& location, std::uint64_t value,
              const std::string& more = {}) const;
  void report_change(const Location& location, std::uint64_t old) const;
  std::uint64_t value_for(const Cpu& cpu, const Location& location) const;

  const MemoryModel model_;
  Schedule& schedule_;
  Execution* const outer_;
  std::vector<std::unique_ptr<Cpu>> cpus_;
  Cpu* running_ = nullptr;
  LocationId next_location_ = 1;
  Observer observer_;
  std::map<LocationId, std::string> names_;
  const Namer* namer_ = nullptr;
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
