#include "harness/coherence/execution.hpp"

#include <fmt/format.h>

#include "harness/machine/check.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::coherence {

Processor::Processor(Execution& execution, unsigned number, std::function<void()> program)
    : execution_(execution),
      lines_(execution.lines()),
      costs_(execution.topology().costs),
      number_(number),
      fiber_([this, body = std::move(program)] {
        body();
        SHADOWWALK_CHECK(!gate_closed_, "a program ended with its interrupt gate closed");
        drain();
        take_interrupts(kNever);
      }) {}

// --- Accesses

bool Processor::keeps(const Line& line) {
  std::erase_if(kept_, [this](const Kept& kept) { return kept.until <= issue_; });
  return std::ranges::any_of(kept_, [&](const Kept& kept) { return kept.line == &line; });
}

void Processor::note(const Line& line, const Directory::Moved& moved) {
  if (moved.transferred) ++transfers_;
  if (moved.former_owner != Line::kNone) execution_.cpu(moved.former_owner).kept_.push_back({&line, moved.kept_until});
}

void Processor::load_miss(Line& line) {
  in_order();
  issue_ += costs_.load;
  if (line.readable(number_) || keeps(line)) {  // by now
    loaded_ = std::max(loaded_, issue_ + costs_.load_latency);
  } else {
    const Picoseconds asked = std::max(issue_, std::min(loaded_, issue_ + kReorderWindow));
    const auto moved = execution_.directory_.read(line, number_, asked);
    note(line, moved);
    loaded_ = moved.done;
    issue_ = std::max(issue_, loaded_ - kReorderWindow);
  }
  pause_at_limit();
}

void Processor::store(const void* address) {
  Line& line = lines_.at(address);
  issue_ += costs_.store;
  if (!line.writable(number_)) in_order();
  if (line.writable(number_) || keeps(line)) {
    if (line.writable(number_)) line.dirty = true;
    stored_ = std::max(stored_, issue_);
  } else {
    const auto moved = execution_.directory_.write(line, number_, issue_);
    note(line, moved);
    stored_ = std::max(stored_, moved.done);  // the buffer asks for several lines at once
    issue_ = std::max(issue_, stored_ - kStoreBufferWindow);
  }
  pause_at_limit();
}

void Processor::locked(const void* address) {
  Line& line = lines_.at(address);
  drain_for_locked();
  in_order();  // also where it hits: a CPU that asked for the line earlier would have it by now
  if (line.writable(number_) || keeps(line)) {
    if (line.writable(number_)) line.dirty = true;
    issue_ += costs_.locked;
    return pause_at_limit();
  }
  const auto moved = execution_.directory_.write(line, number_, issue_);
  note(line, moved);
  issue_ = std::max(issue_ + costs_.locked, moved.done);
  in_order();  // what its former owner does until then comes first
}

void Processor::fence() {
  drain();
  work(costs_.mfence);
}

// --- Turns

/// Returns when no other CPU's clock is earlier than this one's.
void Processor::in_order() {
  while (issue_ > execution_.turns_.earliest()) pause();
}

void Processor::pause() {
  issue_ += std::exchange(stolen_, 0);
  take_interrupts(issue_);
  if (issue_ > execution_.turns_.earliest()) {
    execution_.turns_.set(number_, issue_);
    fiber_.suspend();
  }
  execution_.limit(*this);
}

void Processor::sleep_until(Picoseconds time, Wakes wakes) {
  drain();
  take_interrupts(issue_);
  if (wakes == Wakes::by_interrupts_too) time = std::min(time, next_interrupt());
  if (time > issue_) {
    // Interrupts that are under way arrive during the sleep.
    if (wakes == Wakes::by_wake) take_interrupts(kNever);
    sleeps_ = true;
    wakes_ = wakes;
    execution_.turns_.set(number_, time);
    fiber_.suspend();
    sleeps_ = false;
    issue_ += std::exchange(stolen_, 0);
  }
  take_interrupts(issue_);
  execution_.limit(*this);
}

void Processor::wake(Picoseconds at) {
  if (!sleeps_) return;
  sleeps_ = false;
  execution_.turns_.set(number_, std::max(issue_, at));
  if (running_ != nullptr) execution_.limit(*running_);
}

// --- Interrupts

void Processor::set_gate(bool closed) {
  gate_closed_ = closed;
  if (!closed && !interrupts_.empty()) [[unlikely]]
    take_interrupts(issue_);
}

void Processor::interrupt(Picoseconds at, std::function<void(Picoseconds)> acknowledged) {
  if (fiber_.finished()) return acknowledged(at);
  interrupts_.push_back({at, std::move(acknowledged)});
  if (!sleeps_) return;
  if (wakes_ == Wakes::by_interrupts_too) {
    wake(at);
  } else {
    take_interrupts(kNever);
  }
}

Picoseconds Processor::next_interrupt() const {
  const auto next = std::ranges::min_element(interrupts_, {}, &Interrupt::at);
  return next == interrupts_.end() ? kNever : next->at;
}

void Processor::take_interrupts(Picoseconds until) {
  if (gate_closed_) return;
  const Picoseconds handle = execution_.topology().interrupt.handle;
  for (std::size_t i = 0; i < interrupts_.size();) {
    if (interrupts_[i].at > until) {
      ++i;
      continue;
    }
    const Interrupt taken = std::move(interrupts_[i]);
    interrupts_.erase(interrupts_.begin() + static_cast<std::ptrdiff_t>(i));
    const Picoseconds done = std::max(issue_, taken.at) + handle;
    if (sleeps_ || taken.at > issue_) {
      stolen_ += handle;  // from a sleep, which ends that much later
    } else {
      drain();
      issue_ = done;
    }
    taken.acknowledged(done);
  }
}

// --- Execution

Execution::Execution(const Topology& topology)
    : outer_(std::exchange(current_, this)),
      topology_(topology),
      directory_(topology),
      lookahead_(*std::ranges::min_element(topology.transfer)) {}

Execution::~Execution() { current_ = outer_; }

unsigned Execution::add_cpu(const std::string& name, std::function<void()> program) {
  const auto number = static_cast<unsigned>(cpus_.size());
  if (number > topology_.cpus()) {
    throw InputError(fmt::format("{} has no CPU for {}: {} are all it has; ask for fewer vCPUs or zappers",
                                 topology_.name, name, topology_.cpus()));
  }
  cpus_.push_back(std::make_unique<Processor>(*this, number, std::move(program)));
  return number;
}

void Execution::limit(Processor& cpu) const {
  const Picoseconds others = turns_.earliest();
  cpu.run_until_ = others == kNever ? kNever : others + lookahead_;
  if (!cpu.interrupts_.empty()) cpu.run_until_ = std::min(cpu.run_until_, cpu.next_interrupt());
}

void Execution::run() {
  turns_.resize(cpus_.size());
  for (unsigned i = 0; i < cpus_.size(); ++i) turns_.set(i, 0);
  alive_ = cpus_.size();
  while (alive_ != 0) {
    const Picoseconds when = turns_.earliest();
    SHADOWWALK_CHECK(when != kNever, "all simulated CPUs wait for each other");
    Processor& cpu = *cpus_[turns_.first()];
    turns_.set(cpu.number_, kNever);
    cpu.issue_ = std::max(cpu.issue_, when);
    limit(cpu);
    Processor::running_ = &cpu;
    cpu.fiber_.resume();
    Processor::running_ = nullptr;
    if (cpu.fiber_.finished()) {
      --alive_;
      end_ = std::max(end_, cpu.issue_);
      for (const auto& listener : on_end_) listener(cpu.issue_);
    }
  }
}

}  // namespace shadowwalk::coherence
