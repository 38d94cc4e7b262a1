#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cpu.hpp"

namespace shadowwalk::test {

/// Waits without blocking in the kernel: ThreadSanitizer runs a signal's handler at the next atomic operation.
template <class Condition>
void wait_until(Condition condition) {
  Backoff backoff;
  while (!condition()) backoff.wait();
}

/// Long enough for another thread to make a mistake that it is about to make. A correct one passes whatever it takes.
inline void give_others_time() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

/// A thread that is a CPU. The constructor returns once it is bound; then it runs `body` and serves IPIs until the
/// destructor, so that others may target it all that time.
class BoundThread {
 public:
  using Body = std::function<void(const std::stop_token&)>;

  explicit BoundThread(Cpu& cpu, Body body = {}, const std::string& name = "test")
      : thread_([this, &cpu, name, body = std::move(body)](const std::stop_token& stop) {
          cpu.bind(name);
          bound_.store(true, std::memory_order_release);
          if (body) body(stop);
          wait_until([&] { return stop.stop_requested(); });
          cpu.unbind();
        }) {
    wait_until([this] { return bound_.load(std::memory_order_acquire); });
  }

 private:
  std::atomic<bool> bound_{false};
  std::jthread thread_;
};

}  // namespace shadowwalk::test
