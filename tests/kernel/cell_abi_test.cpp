#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <string>

#include "harness/kernel/abi_to_measurement.hpp"
#include "harness/kernel/cell_to_abi.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk::kernel {
namespace {

/// A cell of the lab, which its request is made of: what needs no kernel.
PreparedCell prepared(const char* workload) {
  CellConfig config;
  config.variant = "irq-ipi";
  config.workload = workload;
  config.vcpus = 1;
  config.zappers = 1;
  config.zap_rate = 500;
  config.seed = 77;
  config.working_set = 4096;
  return prepare_cell(config);
}

TEST(CellToAbi, SaysWhatTheCellAsksFor) {
  const PreparedCell cell = prepared("memslot-flip");
  const auto request = to_request(cell);
  EXPECT_EQ(request->abi_version, SHADOWWALK_ABI_VERSION);
  EXPECT_EQ(request->size, sizeof(shadowwalk_request));
  EXPECT_STREQ(request->variant, "irq-ipi");
  EXPECT_EQ(request->vcpus, 1u);
  EXPECT_EQ(request->zap_rate, 500u);
  EXPECT_EQ(request->guest.seed, 77u);
  EXPECT_EQ(request->guest.phase_count, cell.guest.params.phase_count);
  EXPECT_EQ(request->action_count, cell.workload.host.size());
  EXPECT_GE(request->pool_pages, SHADOWWALK_MIN_POOL_PAGES);
  EXPECT_LE(request->pretouch_pages, request->pool_pages);
  EXPECT_TRUE(std::ranges::all_of(request->reserved, [](std::uint64_t word) { return word == 0; }));
}

TEST(AbiToMeasurement, TakesCountsAndDistributions) {
  const PreparedCell cell = prepared("memslot-flip");
  const auto request = to_request(cell);
  const auto result = std::make_unique<shadowwalk_result>();
  result->duration_ns = 2'000'000'000;
  result->window_ticks = 1000;
  result->walks = 10;
  result->violations = 2;
  result->zaps = 3;
  result->walk_ns.count = 1;
  result->walk_ns.sum = result->walk_ns.min = result->walk_ns.max = 5;
  result->walk_ns.buckets[HistogramScale::bucket_of(5)] = 1;
  result->footprint.unlinked.total = result->footprint.unlinked.count[0] = 4;
  result->footprint.freed.total = result->footprint.freed.count[255] = 4;
  const CellMeasurement measured = to_measurement(cell, *request, *result);
  EXPECT_DOUBLE_EQ(measured.duration_s, 2);
  EXPECT_EQ(measured.walks, 10u);
  EXPECT_EQ(measured.counts.violations, 2u);
  EXPECT_EQ(measured.zaps, 3u);
  EXPECT_EQ(measured.walk_ns.max(), 5u);
  EXPECT_EQ(measured.mmu.footprint.unlinked, 4u);
  EXPECT_EQ(measured.mmu.footprint.freed, 4u);
  EXPECT_FALSE(measured.grace_period_times);
}

TEST(AbiToMeasurement, RefusesWhatDoesNotAddUp) {
  const PreparedCell cell = prepared("memslot-flip");
  const auto request = to_request(cell);
  const auto result = std::make_unique<shadowwalk_result>();
  result->zap_ns.count = 1;
  EXPECT_THROW(to_measurement(cell, *request, *result), CellError);
}

}  // namespace
}  // namespace shadowwalk::kernel
