#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <thread>

namespace shadowwalk::test {

/// Ends the process if no step comes for a minute: far beyond any delay but that of an interrupt or a wake-up that is
/// lost, which would hang the test without a word.
class Watchdog {
 public:
  explicit Watchdog(const char* what_hangs)
      : thread_([this, what_hangs](const std::stop_token& stop) { watch(stop, what_hangs); }) {}

  void step() { steps_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void watch(const std::stop_token& stop, const char* what_hangs) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any stopped;
    for (std::uint64_t seen = ~0ull;;) {
      stopped.wait_for(lock, stop, std::chrono::minutes(1), [] { return false; });
      if (stop.stop_requested()) return;
      const std::uint64_t now = steps_.load(std::memory_order_relaxed);
      if (now == seen) {
        std::fprintf(stderr, "hangs at step %llu: %s\n", static_cast<unsigned long long>(now), what_hangs);
        std::abort();
      }
      seen = now;
    }
  }

  std::atomic<std::uint64_t> steps_{0};
  std::jthread thread_;
};

}  // namespace shadowwalk::test
