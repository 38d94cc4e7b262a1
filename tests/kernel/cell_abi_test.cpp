#include "harness/kernel/cell_abi.hpp"

#include <gmock/gmock.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "harness/lab/cell_request.hpp"
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

pmu::EncodedEvent software_event(const std::string& name, std::uint64_t config) {
  pmu::EncodedEvent event;
  event.name = event.encoded = name;
  event.kind = pmu::EventKind::software;
  event.attributes.type = PERF_TYPE_SOFTWARE;
  event.attributes.config = config;
  event.attributes.exclude_user = 1;
  return event;
}

TEST(CellToAbi, SaysWhichEvents) {
  PreparedCell cell = prepared("memslot-flip");
  for (std::uint64_t i = 0; i < SHADOWWALK_MAX_EVENTS + 2; ++i) {
    cell.events.events.push_back(software_event("event-" + std::to_string(i), i));
  }
  const auto request = to_request(cell);
  ASSERT_EQ(request->event_count, SHADOWWALK_MAX_EVENTS);
  EXPECT_EQ(request->events[3].type, static_cast<std::uint32_t>(PERF_TYPE_SOFTWARE));
  EXPECT_EQ(request->events[3].config, 3u);
  EXPECT_EQ(request->events[3].exclude, SHADOWWALK_EXCLUDE_USER);
}

TEST(AbiToMeasurement, TakesEventsByRole) {
  PreparedCell cell = prepared("memslot-flip");
  cell.events.events = {software_event("counted", 1), software_event("refused", 2), software_event("starved", 3)};
  cell.events.refused = {{"no-such-event", "there is none"}};
  const auto request = to_request(cell);
  const auto result = std::make_unique<shadowwalk_result>();
  result->vcpu_events[0] = {.count = 40, .enabled_ns = 10, .running_ns = 5, .threads_not_counted = 0, .error = 0};
  result->zapper_events[0] = {.count = 4, .enabled_ns = 10, .running_ns = 10, .threads_not_counted = 0, .error = 0};
  result->vcpu_events[1].error = result->zapper_events[1].error = ENOENT;
  result->vcpu_events[2].threads_not_counted = 1;
  result->zapper_events[2] = {.count = 0, .enabled_ns = 10, .running_ns = 10, .threads_not_counted = 0, .error = 0};
  const EventCounts events = to_measurement(cell, *request, *result).events;

  ASSERT_EQ(events.counts.size(), 3u);
  EXPECT_EQ(events.counts[0].event, "counted");
  EXPECT_EQ(events.counts[0].role, "walkers");
  EXPECT_EQ(events.counts[0].scope, "thread");
  EXPECT_DOUBLE_EQ(events.counts[0].count, 40);  // the module has scaled it
  EXPECT_DOUBLE_EQ(events.counts[0].multiplexed, 0.5);
  EXPECT_EQ(events.counts[1].role, "zappers");
  EXPECT_DOUBLE_EQ(events.counts[1].count, 4);
  EXPECT_EQ(events.counts[2].event, "starved");
  EXPECT_EQ(events.counts[2].role, "zappers");

  std::vector<std::string> refused;
  for (const pmu::Refusal& refusal : events.refused) refused.push_back(refusal.event);
  EXPECT_THAT(refused, testing::UnorderedElementsAre("no-such-event", "refused", "starved"));
}

TEST(AbiToMeasurement, SaysWhichEventsWereTooMany) {
  PreparedCell cell = prepared("memslot-flip");
  for (std::uint64_t i = 0; i <= SHADOWWALK_MAX_EVENTS; ++i) {
    cell.events.events.push_back(software_event("event-" + std::to_string(i), i));
  }
  const auto request = to_request(cell);
  const EventCounts events = to_measurement(cell, *request, *std::make_unique<shadowwalk_result>()).events;
  ASSERT_EQ(events.refused.size(), 1u);
  EXPECT_EQ(events.refused[0].event, "event-8");
  EXPECT_THAT(events.refused[0].reason, testing::HasSubstr("8 events at once"));
}

TEST(AbiToMeasurement, RefusesWhatDoesNotAddUp) {
  const PreparedCell cell = prepared("memslot-flip");
  const auto request = to_request(cell);
  const auto result = std::make_unique<shadowwalk_result>();
  result->zap_ns.count = 1;
  EXPECT_THROW(to_measurement(cell, *request, *result), CellError);
}

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
