#include "harness/kernel/pool_pages.hpp"

#include <algorithm>

#include "harness/kernel/abi.h"
#include "harness/lab/cell_request.hpp"

namespace shadowwalk::kernel {

PoolPages pool_pages(const CellConfig& config, const Workload& workload, const PageBudget& budget) {
  constexpr double kLonger = 2;  // than its warm-up and window a cell may last
  const double seconds = kLonger * std::chrono::duration<double>(measuring_time(config)).count();
  const double retired =
      config.zappers == 0 ? 0 : config.zap_rate * seconds * pages_retired_per_beat(workload, config.working_set);
  const double least = SHADOWWALK_MIN_POOL_PAGES + SHADOWWALK_POOL_PAGES_PER_VCPU * static_cast<double>(config.vcpus) +
                       static_cast<double>(budget.pretouch);
  return {.least = least, .wanted = std::max(least, std::min<double>(least + retired, SHADOWWALK_MAX_POOL_PAGES))};
}

}  // namespace shadowwalk::kernel
