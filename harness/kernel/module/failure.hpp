// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include "harness/kernel/module/glue.h"
#include "harness/kernel/module/request.hpp"

namespace shadowwalk::kernel {

/// Copies the reason to the job, whose caller asks for it by WHY. Returns the errno.
inline int refuse(swx_job& job, const Refusal& refusal) {
  std::memcpy(job.why, refusal.why.c_str(), std::min(sizeof(job.why), refusal.why.view().size() + 1));
  return refusal.error;
}

/// The first error of a cell's threads, which ends the cell.
class CellFailure {
 public:
  CellFailure() : event_(swk_event_create()) {}
  ~CellFailure() { swk_event_free(event_); }
  CellFailure(const CellFailure&) = delete;
  CellFailure& operator=(const CellFailure&) = delete;

  /// Any thread. `error`: an errno.
  template <class... Parts>
  void report(int error, const Parts&... parts) {
    if (claimed_.exchange(true, std::memory_order_relaxed)) return;
    (void(refusal_.why << parts), ...);
    refusal_.error = error;
    reported_.store(true, std::memory_order_release);  // pairs with the acquire in reported(): the words are there
    swk_event_signal(event_);
  }
  bool reported() const { return reported_.load(std::memory_order_acquire); }
  /// If reported().
  const Refusal& refusal() const { return refusal_; }
  /// Of the thread that runs the cell: 1 failed, 0 the time is over, -1 a signal.
  int wait(std::uint64_t ns) { return swk_event_wait(event_, ns); }

 private:
  swk_event* const event_;
  std::atomic<bool> claimed_{false};
  std::atomic<bool> reported_{false};
  Refusal refusal_;
};

}  // namespace shadowwalk::kernel
