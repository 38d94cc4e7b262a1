#pragma once

#include <cstdint>

namespace shadowwalk {

/// Sees each grace period of RCU after it is over: when waiting for it began and when it ended, in ticks of the
/// machine's clock. Called on the thread that waited, before the callbacks that it allows.
struct GracePeriodObserver {
  virtual ~GracePeriodObserver() = default;
  virtual void on_grace_period(std::uint64_t began, std::uint64_t ended) = 0;
};

}  // namespace shadowwalk
