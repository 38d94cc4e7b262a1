#pragma once

#include <atomic>
#include <optional>

#include "harness/lab/thread_events.hpp"
#include "harness/machine/placement.hpp"
#include "harness/timeline/recorder.hpp"

namespace shadowwalk {

/// The thread that runs RCU callbacks: started by the machine, if a variant asks for RCU.
class Reclaimer {
 public:
  Reclaimer(std::optional<unsigned> cpu, const pmu::EncodedSelection& selection, const Window& window,
            timeline::Recorder* recorder)
      : cpu_(cpu), recorder_(recorder), events_(selection, window, /*stretches=*/false) {}

  static void on_thread_start(void* self) {
    auto& reclaimer = *static_cast<Reclaimer*>(self);
    if (reclaimer.cpu_) pin_this_thread(*reclaimer.cpu_);
    timeline::join(reclaimer.recorder_, "reclaim-0");
    reclaimer.events_.open();
    reclaimer.started_.store(true, std::memory_order_release);  // with start_events()'s acquire: the events are open
    reclaimer.started_.notify_all();
  }
  /// Around the window, on another thread: the reclaimer has no loop of ours to look at the clock in.
  void start_events() {
    started_.wait(false, std::memory_order_acquire);
    events_.start();
  }
  void stop_events() { events_.stop(); }
  const ThreadEvents& events() const { return events_; }

 private:
  const std::optional<unsigned> cpu_;
  timeline::Recorder* const recorder_;
  ThreadEvents events_;
  std::atomic<bool> started_{false};
};

}  // namespace shadowwalk
