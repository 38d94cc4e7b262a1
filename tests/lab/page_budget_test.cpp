#include "harness/lab/page_budget.hpp"

#include <gtest/gtest.h>

#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"

namespace shadowwalk {
namespace {

CellConfig leak_cell() {
  CellConfig config;
  config.variant = "leak";
  config.workload = "mmio-poll";
  return config;
}

TEST(PageBudget, LeakIsTouchedBeforehand) {
  const CellConfig config = leak_cell();
  const PageBudget budget = page_budget(config, *find_workload("mmio-poll"));
  EXPECT_GE(budget.pretouch, 2500u) << "1000 zaps/s for 2.5 s take a page each at least";
  EXPECT_GE(budget.capacity, budget.pretouch);
  EXPECT_LE(budget.capacity * kPageBytes, available_memory_bytes());
}

TEST(PageBudget, LeakThatCannotFitIsRefused) {
  CellConfig config = leak_cell();
  config.zap_rate = 1e6;
  config.duration = std::chrono::hours(1);
  EXPECT_THROW(page_budget(config, *find_workload("mmio-poll")), InputError);
  config.zappers = 0;
  EXPECT_NO_THROW(page_budget(config, *find_workload("mmio-poll"))) << "without zappers nothing leaks";
  config.zappers = 1;
  config.variant = "irq-ipi";
  EXPECT_NO_THROW(page_budget(config, *find_workload("mmio-poll"))) << "who frees may run at any rate";
}

TEST(PageBudget, WorkingSetPastMemoryIsRefused) {
  CellConfig config = leak_cell();
  config.variant = "hazard";
  config.working_set = std::uint64_t{1} << 36;
  EXPECT_THROW(page_budget(config, *find_workload("mmio-poll")), InputError);
}

}  // namespace
}  // namespace shadowwalk
