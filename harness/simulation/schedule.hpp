#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "harness/machine/check.hpp"

namespace shadowwalk::simulation {

/// What others can see of a simulated CPU: a shared variable, a gate, a mailbox. Numbered as they are made.
using LocationId = std::uint32_t;

/// What moves by itself: a CPU's program, its store buffer (one mover per location where stores leave it out of order),
/// and the interrupt controller that delivers to it.
struct Actor {
  enum class Part : std::uint8_t { program, store_buffer, interrupt };
  std::uint8_t cpu = 0;
  Part part = Part::program;
  LocationId location = 0;  ///< of a store buffer's mover, if there is one per location

  friend bool operator==(const Actor&, const Actor&) = default;
};

/// One step of an actor, at which the schedule chooses. What no other CPU can see is not a step.
struct Operation {
  enum class Kind : std::uint8_t {
    load,
    store,  ///< visible at once: only without store buffers
    read_modify_write,
    fence,
    wait,  ///< for a location to change
    drain_store,
    deliver_interrupt,
    other
  };
  struct Touch {
    LocationId location;
    bool writes;
  };
  /// The store buffers that must be empty before it can happen.
  enum class Drains : std::uint8_t { nothing, own, all };
  static constexpr std::size_t kMostTouches = 12;

  Kind kind = Kind::other;
  const char* what = "";  ///< in words, for kind other
  Drains drains = Drains::nothing;
  std::uint32_t pushed_after = 0;  ///< of drain_store: the steps that the program had taken when it stored
  bool before_interrupt = false;   ///< of drain_store: an interrupt waits until the buffer is empty
  std::uint8_t touch_count = 0;
  std::array<Touch, kMostTouches> touch_array{};

  Operation& touch(LocationId location, bool writes) {
    SHADOWWALK_CHECK(touch_count < kMostTouches, "an operation touches too many locations");
    touch_array[touch_count++] = {location, writes};
    return *this;
  }
  std::span<const Touch> touches() const { return std::span(touch_array).first(touch_count); }
};

struct Transition {
  Actor actor;
  Operation operation;
  /// Whether the step left stores in its CPU's buffer; known once it has happened.
  bool pushed = false;

  bool needs_empty_buffer_of(unsigned cpu) const {
    return operation.drains == Operation::Drains::all ||
           (operation.drains == Operation::Drains::own && actor.cpu == cpu);
  }
};

/// Whether the order of two steps of different actors can matter: they touch a location in common that one of them
/// writes, or one of them fills a store buffer that the other waits to see empty. Pure.
inline bool conflict(const Transition& a, const Transition& b) {
  const auto fills_what_other_drains = [](const Transition& step, const Transition& other) {
    return step.pushed && other.needs_empty_buffer_of(step.actor.cpu);
  };
  if (fills_what_other_drains(a, b) || fills_what_other_drains(b, a)) return true;
  for (const Operation::Touch& of_a : a.operation.touches()) {
    for (const Operation::Touch& of_b : b.operation.touches()) {
      if (of_a.location == of_b.location && (of_a.writes || of_b.writes)) return true;
    }
  }
  return false;
}

/// Decides what happens next in an Execution.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// The execution has reached a state in which `enabled` (never empty, in a fixed order) can happen. Returns the index
  /// of the one that does; nullopt ends the execution here.
  virtual std::optional<std::size_t> choose(std::span<const Transition> enabled) = 0;
  /// The chosen one has happened. `pushed`: the program left stores in its buffer.
  virtual void happened(bool /*pushed*/) {}
};

}  // namespace shadowwalk::simulation
