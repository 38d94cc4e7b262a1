// Walkers and zappers of every variant at rates that no workload has, with full checks and stalled walkers: no used
// result may come from a freed page, and the negative control must be caught.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/registry.hpp"
#include "tests/lab/run_until.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

CellConfig hammer(std::string_view variant, std::string_view workload) {
  CellConfig config;
  config.name = "stress";
  config.variant = variant;
  config.workload = workload;
  config.vcpus = 3;
  config.zappers = 2;
  config.zap_rate = 20'000;
  config.working_set = 3000;
  config.walks_per_exit = 256;
  config.full_checks = true;
  config.read_delay = {.one_in = 5000, .stall_us = 30};
  config.warmup = 0ms;
  config.duration = 1s;
  return config;
}

class Stress : public testing::TestWithParam<std::string> {};

TEST_P(Stress, NoUsedResultComesFromAFreedPage) {
  const VariantEntry& variant = *Registry::instance().find(GetParam());
  // What frees pages most; each workload has its cells in tests/lab.
  for (const char* name : {"mmio-poll", "demand-fault", "memslot-flip"}) {
    const Workload& workload = *find_workload(name);
    CellConfig config = hammer(variant.info.name, name);
    if (workload.name == "memslot-flip") config.zap_rate = 2000;
    if (variant.info.name == "leak") config.zap_rate = std::min(config.zap_rate, 2000.0);
    const CellMeasurement cell = test::run_until(config, [](const CellMeasurement&) { return true; });
    EXPECT_EQ(cell.counts.violations, 0u) << workload.name << ": " << cell.first_violation;
    EXPECT_GT(cell.footprint.unlinked, 0u) << workload.name;
  }
}

std::vector<std::string> safe_variants() {
  std::vector<std::string> names;
  for (const VariantEntry& variant : Registry::instance().entries()) {
    if (variant.info.safe && variant.can_zap) names.emplace_back(variant.info.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Safe, Stress, testing::ValuesIn(safe_variants()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Without full checks: those read a page's description, which `unsafe` rewrites under the walker, a true data race that
// ThreadSanitizer would report. Poison and identity of leaves are atomic words.
TEST(NegativeControl, UnsafeIsCaught) {
  CellConfig config = hammer("unsafe", "mmio-poll");
  config.full_checks = false;
  // A walker that stalls for longer than a few zaps take: what it walks through is gone when it goes on.
  config.read_delay = {.one_in = 100, .stall_us = 300};
  std::uint64_t violations = 0;
  for (int attempt = 0; attempt < 20 && violations == 0; ++attempt) violations = run_cell(config).counts.violations;
  EXPECT_GT(violations, 0u) << "a lab that does not catch `unsafe` is blind";
}

}  // namespace
}  // namespace shadowwalk
