#include "harness/lab/page_budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/machine/error.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/memory.hpp"
#include "harness/mmu/fault.hpp"
#include "variants/controls/leak.hpp"

namespace shadowwalk {

namespace {

constexpr double kMostPages = 1 << 26;  // 256 GiB of tables

double affordable_pages(double available_bytes) {
  constexpr double kUnknownMemory = 1e9;
  return (available_bytes > 0 ? available_bytes : kUnknownMemory) / 2 / kPageBytes;
}

/// A table a 2 MiB region, twice over for the levels above and for what is rebuilt while the old is being zapped.
double live_pages(std::uint64_t gfns) { return 2 * (static_cast<double>(gfns) / MeasuredGeometry::kEntries + 16); }

}  // namespace

PageBudget page_budget(const trace::TraceInfo& info) {
  constexpr double kMostPretouched = 1 << 16;  // 256 MiB; the rest is touched when it is needed
  std::uint64_t accesses = 0;
  for (std::size_t kind = 1; kind <= trace::kMaxTraceKind; ++kind) {
    if (access_of(static_cast<trace::TraceKind>(kind))) accesses += info.by_kind[kind];
  }
  const double affordable = affordable_pages(static_cast<double>(available_memory_bytes()));
  const double built = (MeasuredGeometry::kLevels - 1) * static_cast<double>(accesses) + 16;
  const double pretouch = std::min({live_pages(info.last_gfn - info.first_gfn), built, kMostPretouched, affordable});
  return {.capacity = static_cast<std::size_t>(std::min(affordable, kMostPages)),
          .pretouch = static_cast<std::size_t>(pretouch)};
}

PageBudget page_budget(const CellConfig& config, const Workload& workload) {
  const auto available = static_cast<double>(available_memory_bytes());
  const double affordable = affordable_pages(available);
  const double live = live_pages(config.working_set);
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
