// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/host_action.hpp"

namespace shadowwalk {

/// Which action each beat is: by the actions' weights, and spread as evenly as they allow (smooth weighted round robin,
/// as nginx deals its requests). For one thread.
class ActionSchedule {
 public:
  /// `actions` is not empty and outlives the schedule.
  explicit ActionSchedule(std::span<const HostAction> actions) : actions_(actions), credit_(actions.size()) {
    for (const HostAction& action : actions) total_ += action.weight;
  }

  const HostAction& next() {
    std::size_t most = 0;
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      credit_[i] += actions_[i].weight;
      if (credit_[i] > credit_[most]) most = i;
    }
    credit_[most] -= total_;
    return actions_[most];
  }

 private:
  const std::span<const HostAction> actions_;
  std::vector<std::int64_t> credit_;
  std::int64_t total_ = 0;
};

}  // namespace shadowwalk
