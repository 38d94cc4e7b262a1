#include "harness/lab/page_budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"
#include "harness/mmu/quota.hpp"
#include "variants/leak.hpp"

namespace shadowwalk {

PageBudget page_budget(const CellConfig& config, const Workload& workload) {
  constexpr double kUnknownMemory = 1e9;
  constexpr double kMostPages = 1 << 26;  // 256 GiB of tables
  const auto available = static_cast<double>(available_memory_bytes());
  const double affordable = (available > 0 ? available : kUnknownMemory) / 2 / kPageBytes;

  // A table a 2 MiB region, twice over for the levels above and for what is rebuilt while the old is being zapped.
  const double live = 2 * (static_cast<double>(config.working_set) / MeasuredGeometry::kEntries + 16);
  const double quota = shadow_pages_of(config.working_set) * workload.quota_percent / 100;
  if (workload.quota_percent != 0 && quota < kSmallestQuota) {
    throw InputError(
        fmt::format("workload '{}': {} % of the {:.0f} shadow pages that --working-set {} needs are fewer than {}, the "
                    "smallest quota: "
                    "choose a larger working set",
                    workload.name, workload.quota_percent, shadow_pages_of(config.working_set), config.working_set,
                    kSmallestQuota));
  }
  double pretouch = live;
  if (config.variant == Leak<NativeMachine>::kInfo.name && config.zappers != 0) {
    const double seconds = std::chrono::duration<double>(config.warmup + config.duration).count();
    const double leaked = config.zap_rate * seconds * pages_retired_per_beat(workload, config.working_set);
    if (live + leaked > affordable) {
      throw InputError(fmt::format(
          "leak would keep {:.1f} GiB ({:.0f} zaps/s for {:.1f} s), more than half of the {:.1f} GiB available; lower "
          "--zap-rate, --duration or --working-set",
          (live + leaked) * kPageBytes / (1 << 30), config.zap_rate, seconds, available / (1 << 30)));
    }
    pretouch += leaked;
  }
  if (live > affordable) {
    throw InputError(
        fmt::format("--working-set {} needs {:.1f} GiB of shadow pages, more than half of the {:.1f} GiB available",
                    config.working_set, live * kPageBytes / (1 << 30), available / (1 << 30)));
  }
  return {.capacity = static_cast<std::size_t>(std::min(affordable, kMostPages)),
          .pretouch = static_cast<std::size_t>(pretouch),
          .quota = static_cast<std::size_t>(quota)};
}

}  // namespace shadowwalk
