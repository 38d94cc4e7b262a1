#pragma once

#include <cstdint>

/// What the RCU of every machine shares with its users.
namespace shadowwalk {

/// The handle of one pending callback, embedded in what it frees (struct rcu_head).
struct RcuHead {
  RcuHead* next = nullptr;
  void (*func)(RcuHead*, void* context) = nullptr;
  void* context = nullptr;
};

/// Sees each grace period of RCU after its end: when the wait for it began and when it ended, in ticks of the machine's
/// clock. Called on the thread that waited, before the callbacks that the grace period allows.
struct GracePeriodObserver {
  virtual ~GracePeriodObserver() = default;
  virtual void on_grace_period(std::uint64_t began, std::uint64_t ended) = 0;
};

}  // namespace shadowwalk
