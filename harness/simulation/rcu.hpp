#pragma once

#include <cstdint>
#include <vector>

#include "harness/machine/machine.hpp"
#include "harness/simulation/execution.hpp"

namespace shadowwalk::simulation {

/// harness/machine/rcu.hpp's Rcu on the simulated machine. A grace period does what it promises and no more: a full
/// barrier on every CPU as it begins, a wait for the end of each section that was open then, and a full barrier on
/// every CPU again. Callbacks run on a simulated CPU of their own, until all other programs have ended.
class Rcu {
 public:
  struct Options {};

  /// Adds the CPU `reclaim-0` to the current execution.
  explicit Rcu(const Options&);
  ~Rcu();
  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  static void read_lock() { current_->enter(); }
  static void read_unlock() { current_->leave(); }

  void call(RcuHead& head, void (*func)(RcuHead*, void*), void* context);
  void synchronize();
  /// After the execution: runs the callbacks that are left.
  void barrier();
  std::uint64_t grace_periods() const { return grace_periods_; }

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

  static inline thread_local Rcu* current_ = nullptr;

  Rcu* const outer_;
  unsigned reclaimer_ = 0;
  LocationId queue_location_ = 0;
  std::vector<RcuHead*> queue_;
  std::vector<Reader> readers_;  // by CPU
  std::uint64_t grace_periods_ = 0;
};

}  // namespace shadowwalk::simulation
