#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/machine/rcu_head.hpp"
#include "harness/simulation/execution.hpp"

namespace shadowwalk::simulation {

/// harness/machine/rcu.hpp's Rcu on the simulated machine. A grace period is what it promises and no more: a full
/// barrier on every CPU as it begins, the end of each section that was open then, and a full barrier on every CPU
/// again. Callbacks run on a simulated CPU of their own, until all other programs have ended.
class Rcu {
 public:
  /// Adds the CPU `reclaim-0` to the current execution.
  Rcu();
  ~Rcu();
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  static void read_lock() { current_->enter(); }
  static void read_unlock() { current_->leave(); }

  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context);
  void synchronize();
  /// After the execution: runs what is left.
  void barrier();

 private:
  struct Reader {
    LocationId location = 0;
    unsigned nesting = 0;
    std::uint64_t sections = 0;
  };

  void enter();
  void leave();
  void reclaim();
  Reader& reader();
  Operation grace_period_step(const char* what);
  void run_all(std::vector<RcuHead*> callbacks);

  static thread_local Rcu* current_;

  Rcu* const outer_;
  unsigned reclaimer_ = 0;
  LocationId queue_location_ = 0;
  std::vector<RcuHead*> queue_;
  std::vector<Reader> readers_;  // by CPU
};

}  // namespace shadowwalk::simulation
