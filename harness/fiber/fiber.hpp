#pragma once

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>

namespace shadowwalk {

/// A thread of control that runs only inside resume(), on the operating-system thread of the caller.
class Fiber {
 public:
  /// `body` begins with the first resume(). It must not throw.
  explicit Fiber(std::function<void()> body);
  /// It must not have begun, or must have finished.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs the fiber until it suspends itself or finishes. From outside.
  void resume();
  /// Goes back to where resume() was called. From inside.
  void suspend();
  bool finished() const { return finished_; }

 private:
  void enter(boost::context::fiber&& caller);

  const std::function<void()> body_;
  boost::context::fiber fiber_;
  boost::context::fiber caller_;
  bool begun_ = false;
  bool finished_ = false;
  // For AddressSanitizer:
  const void* stack_ = nullptr;
  const void* caller_stack_ = nullptr;
  std::size_t caller_stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
  void* caller_fake_stack_ = nullptr;
};

}  // namespace shadowwalk
