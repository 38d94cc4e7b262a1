#include "harness/kernel/pool_pages.hpp"

#include <gmock/gmock.h>

#include "harness/kernel/abi.h"

namespace shadowwalk::kernel {
namespace {

using namespace std::chrono_literals;

CellConfig config_of(unsigned zappers, double zap_rate) {
  CellConfig config;
  config.workload = "mmio-poll";
  config.vcpus = 2;
  config.zappers = zappers;
  config.zap_rate = zap_rate;
  config.warmup = 500ms;
  config.duration = 2s;
  return config;
}

TEST(PoolPages, AreTheLiveOnesAndWhatZapsRetire) {
  const Workload& workload = *find_workload("mmio-poll");
  const PageBudget budget{.capacity = 1 << 20, .pretouch = 1000, .quota = 0};
  const PoolPages quiet = pool_pages(config_of(0, 0), workload, budget);
  EXPECT_EQ(quiet.least, SHADOWWALK_MIN_POOL_PAGES + 2 * SHADOWWALK_POOL_PAGES_PER_VCPU + 1000);
  EXPECT_EQ(quiet.wanted, quiet.least);
  const CellConfig zapped = config_of(1, 1000);
  const PoolPages busy = pool_pages(zapped, workload, budget);
  EXPECT_EQ(busy.least, quiet.least);
  EXPECT_GE(busy.wanted - busy.least, 2.5 * 1000 * pages_retired_per_beat(workload, zapped.working_set));
}

TEST(PoolPages, AreNoMoreThanTheModuleTakesButForWhatMustBeThere) {
  const Workload& workload = *find_workload("mmio-poll");
  EXPECT_EQ(pool_pages(config_of(1, 1e7), workload, {.capacity = 1, .pretouch = 1000, .quota = 0}).wanted,
            SHADOWWALK_MAX_POOL_PAGES);
  const PoolPages large = pool_pages(config_of(1, 1000), workload, {.capacity = 1, .pretouch = 1u << 23, .quota = 0});
  EXPECT_GT(large.least, SHADOWWALK_MAX_POOL_PAGES);
  EXPECT_EQ(large.wanted, large.least);
}

}  // namespace
}  // namespace shadowwalk::kernel
