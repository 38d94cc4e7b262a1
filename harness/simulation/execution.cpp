#include "harness/simulation/execution.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "harness/machine/check.hpp"

namespace shadowwalk::simulation {
namespace {

using Kind = Operation::Kind;
using Part = Actor::Part;
using Drains = Operation::Drains;

thread_local Execution* the_current = nullptr;

}  // namespace

Execution::Cpu::Cpu(unsigned number_in, std::string name_in, std::function<void()> program)
    : number(number_in), name(std::move(name_in)), fiber(std::move(program)) {}

bool Execution::can_step(const Cpu& cpu) const {
  if (cpu.next.drains == Drains::own && !cpu.buffer.empty()) return false;
  const auto is_empty = [](const auto& one) { return one->buffer.empty(); };
  if (cpu.next.drains == Drains::all && !std::ranges::all_of(cpus_, is_empty)) return false;
  return cpu.ready == nullptr || !*cpu.ready || (*cpu.ready)();
}

Execution::Execution(MemoryModel model, Schedule& schedule)
    : model_(model), schedule_(schedule), outer_(std::exchange(the_current, this)) {}

Execution::~Execution() {
  the_current = outer_;
  // A program that waits for ever cannot be unwound: its destructors would wait, too. It is kept; a deadlock ends an
  // exploration.
  static auto& dead = *new std::vector<std::unique_ptr<Cpu>>;
  for (std::unique_ptr<Cpu>& cpu : cpus_) {
    if (!cpu->fiber.finished()) dead.push_back(std::move(cpu));
  }
}

Execution& Execution::current() {
  SHADOWWALK_CHECK(the_current != nullptr, "the simulated machine is used outside of an execution");
  return *the_current;
}

unsigned Execution::add_cpu(std::string name, std::function<void()> program) {
  const auto number = static_cast<unsigned>(cpus_.size());
  cpus_.push_back(std::make_unique<Cpu>(number, std::move(name), std::move(program)));
  cpus_.back()->gate = new_location();
  cpus_.back()->mailbox = new_location();
  return number;
}

void Execution::run_program(Cpu& cpu) {
  running_ = &cpu;
  cpu.fiber.resume();
  running_ = nullptr;
}

Execution::End Execution::run() {
  for (const auto& cpu : cpus_) run_program(*cpu);  // up to their first steps
  bool stopped = false;
  for (std::size_t steps = 0; steps < kMostSteps; ++steps) {
    collect();
    if (enabled_.empty()) {
      if (!complaint_.empty()) return End::wrong;
      if (!blocked_.empty()) return End::deadlock;
      return stopped ? End::stopped : End::finished;
    }
    stopped = stopped || !complaint_.empty();
    std::size_t chosen = steps % enabled_.size();  // once stopped: any order, each in turn
    if (!stopped) {
      if (const auto choice = schedule_.choose(enabled_)) {
        chosen = *choice;
      } else {
        stopped = true;
      }
    }
    const bool pushed = apply(Transition(enabled_[chosen]));
    if (!stopped) schedule_.happened(pushed);
  }
  return complaint_.empty() ? End::too_long : End::wrong;
}

void Execution::collect() {
  enabled_.clear();
  blocked_.clear();
  for (const auto& cpu : cpus_) {
    const auto number = static_cast<std::uint8_t>(cpu->number);
    if (!cpu->fiber.finished()) {
      (can_step(*cpu) ? enabled_ : blocked_).push_back({{number, Part::program}, cpu->next});
    }
    for (const auto& [location, pushed_after] : cpu->buffer.drainable(model_)) {
      const LocationId mover = model_ == MemoryModel::pso ? location : 0;
      enabled_.push_back({{number, Part::store_buffer, mover},
                          Operation{.kind = Kind::drain_store,
                                    .pushed_after = pushed_after,
                                    .before_interrupt = cpu->interrupt_pending && !cpu->gate_closed}
                              .touch(location, true)});
    }
    if (cpu->interrupt_pending && !cpu->gate_closed && (cpu->buffer.empty() || !cpu->interrupt_drains)) {
      const Drains drains = cpu->interrupt_drains ? Drains::own : Drains::nothing;
      enabled_.push_back({{number, Part::interrupt},
                          Operation{.kind = Kind::deliver_interrupt, .drains = drains}
                              .touch(cpu->gate, true)
                              .touch(cpu->mailbox, true)});
    }
  }
}

bool Execution::apply(const Transition& transition) {
  Cpu& cpu = *cpus_[transition.actor.cpu];
  const std::size_t waiting = cpu.buffer.size();
  switch (transition.actor.part) {
    case Part::program:
      ++cpu.steps;
      run_program(cpu);
      return cpu.buffer.size() > waiting;
    case Part::store_buffer: {
      const Location& location = cpu.buffer.drain(transition.operation.touches().front().location);
      if (observer_) report(cpu, "  all see", location, location.value);
      break;
    }
    case Part::interrupt:
      if (observer_) report(cpu, "is interrupted, and acknowledges");
      cpu.interrupt_pending = false;
      cpu.interrupt_handler();
      break;
  }
  return false;
}

void Execution::step(const Operation& next, const std::function<bool()>& ready) {
  if (!on_cpu()) return;
  Cpu& cpu = *running_;
  cpu.next = next;
  cpu.ready = &ready;
  cpu.fiber.suspend();
  cpu.ready = nullptr;
  if (observer_ && next.kind == Kind::other) report(cpu, next.what);
}

void Execution::report(const Cpu& cpu, const char* what) const { observer_(cpu.number, what); }

std::vector<std::string> Execution::buffered_in_words(unsigned cpu) const {
  std::vector<std::string> words;
  cpus_.at(cpu)->buffer.for_each([&](const Location& location, std::uint64_t value) {
    words.push_back(in_words(location) + " = " + in_words(value));
  });
  return words;
}

void Execution::complain(const std::string& what) {
  if (!complaint_.empty()) return;
  complaint_ = what;
  observer_ = {};
  if (on_complaint_) on_complaint_(what);
}

std::string Execution::in_words(std::uint64_t value) const {
  if (std::string text = namer_ == nullptr ? "" : namer_->value(value); !text.empty()) return text;
  char text[20];
  std::snprintf(text, sizeof text, value < 10 ? "%" PRIu64 : "0x%" PRIx64, value);
  return text;
}

std::string Execution::in_words(const Location& location) const {
  if (const auto name = names_.find(location.id); name != names_.end()) return name->second;
  if (std::string text = namer_ == nullptr ? "" : namer_->location(location); !text.empty()) return text;
  return "variable " + std::to_string(location.id);
}

void Execution::report(const Cpu& cpu, const char* what, const Location& location, std::uint64_t value,
                       const std::string& more) const {
  observer_(cpu.number, std::string(what) + " " + in_words(location) + " = " + in_words(value) + more);
}

void Execution::report_change(const Location& location, std::uint64_t old) const {
  report(*running_, "locked:", location, location.value, " (was " + in_words(old) + ")");
}

bool Execution::passes(const SourceLine& where, Site::Kind kind) {
  if (running_ != nullptr && running_->unordered) return kind == Site::Kind::full_fence || kind == Site::Kind::exchange;
  if (sites_ != nullptr) sites_->add(where, kind);
  return weakened_ && weakened_->line == where.line && weakened_->kind == kind &&
         weakened_->file == within_project(where.file);
}

std::uint64_t Execution::value_for(const Cpu& cpu, const Location& location) const {
  return cpu.buffer.forward(location).value_or(location.value);
}

std::uint64_t Execution::load(Location& location) {
  if (!on_cpu()) return location.value;
  Cpu& cpu = *running_;
  step(Operation{.kind = Kind::load}.touch(location.id, false));
  const std::uint64_t value = value_for(cpu, location);
  cpu.seen.emplace_back(&location, value);
  if (observer_) report(cpu, "reads", location, value);
  return value;
}

void Execution::store(Location& location, std::uint64_t value, bool release) {
  if (!on_cpu()) {
    location.value = value;
    return;
  }
  running_->seen.clear();
  if (model_ == MemoryModel::sc) {
    step(Operation{.kind = Kind::store}.touch(location.id, true));
    location.value = value;
    if (observer_) report(*running_, "writes", location, value);
  } else {
    running_->buffer.push(location, value, release, running_->steps);
    if (observer_) report(*running_, "buffers", location, value);
  }
}

void Execution::before_read_modify_write(Location& location) {
  if (!on_cpu()) return;
  running_->seen.clear();
  step(Operation{.kind = Kind::read_modify_write, .drains = Drains::own}.touch(location.id, true));
}

void Execution::fence() {
  if (!on_cpu() || running_->buffer.empty()) return;
  step({.kind = Kind::fence, .drains = Drains::own});
  if (observer_) report(*running_, "full barrier");
}

void Execution::wait_for_change() {
  if (!on_cpu()) return;
  Cpu& cpu = *running_;
  const auto seen = std::exchange(cpu.seen, {});
  if (seen.empty()) return;
  Operation wait{.kind = Kind::wait};
  for (const auto& [location, value] : seen) wait.touch(location->id, false);
  step(wait, [&] {
    return std::ranges::any_of(seen, [&](const auto& one) { return value_for(cpu, *one.first) != one.second; });
  });
}

bool Execution::others_ended(unsigned than_cpu) const {
  return std::ranges::all_of(cpus_, [&](const auto& cpu) { return cpu->number == than_cpu || cpu->fiber.finished(); });
}

void Execution::on_interrupt(unsigned cpu, std::function<void()> handler) {
  cpus_.at(cpu)->interrupt_handler = std::move(handler);
}

void Execution::raise_interrupt(unsigned cpu, const Interrupt& interrupt, const std::function<void()>& prepare) {
  Cpu& target = *cpus_.at(cpu);
  const Drains drains = interrupt.sender_barrier ? Drains::own : Drains::nothing;
  step(Operation{.what = "sends an IPI", .drains = drains}.touch(target.mailbox, true));
  prepare();
  if (!on_cpu()) return target.interrupt_handler();
  target.interrupt_pending = !interrupt.lost;
  target.interrupt_drains = interrupt.target_barrier;
}

void Execution::look_at_gate(const char* what) { step(Operation{.what = what}.touch(running_->gate, false)); }

void Execution::set_gate(bool closed) {
  if (!on_cpu()) return;
  step(Operation{.what = closed ? "disables interrupts" : "enables interrupts"}.touch(running_->gate, true));
  running_->gate_closed = closed;
}

void Execution::look_at_mailbox(unsigned of) {
  step(Operation{.what = "looks whether it was interrupted"}.touch(cpus_.at(of)->mailbox, false));
}

void Execution::fence_all() { step({.what = "has every CPU make a full barrier", .drains = Drains::all}); }

void Execution::wait_for_mailbox(unsigned of, const std::function<bool()>& ready) {
  step(Operation{.what = "waits for an acknowledgement"}.touch(cpus_.at(of)->mailbox, false), ready);
}

}  // namespace shadowwalk::simulation
