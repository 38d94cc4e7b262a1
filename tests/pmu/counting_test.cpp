// Counters that really count, on this kernel: software events, and the time-stamp counter through its own PMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/thread_counters.hpp"
#include "tests/pmu/encode.hpp"

namespace shadowwalk::pmu {
namespace {

using test::encode;

/// What `work` made of one event, on this thread.
CounterReading count(const std::string& event, const std::function<void()>& work) {
  const EncodedEvent encoded = encode(event);
  ThreadCounters counters({&encoded, 1});
  if (!counters.refused().empty()) {
    ADD_FAILURE() << event << ": " << counters.refused()[0].reason;
    return {};
  }
  counters.enable();
  work();
  counters.disable();
  return counters.read().at(0);
}

void touch_fresh_pages(std::size_t pages) {
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, pages * page_bytes, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < pages; ++i) static_cast<volatile char*>(memory)[i * page_bytes] = 1;
  munmap(memory, pages * page_bytes);
}

#define SKIP_UNLESS_COUNTABLE(event)                                     \
  do {                                                                   \
    if (const std::string reason = cannot_count(event); !reason.empty()) \
      GTEST_SKIP() << (event) << " cannot be counted here: " << reason;  \
  } while (false)

TEST(Counting, FreshPagesFault) {
  SKIP_UNLESS_COUNTABLE("page-faults");
  const CounterReading few = count("page-faults", [] { touch_fresh_pages(10); });
  const CounterReading many = count("page-faults", [] { touch_fresh_pages(1000); });
  EXPECT_GE(few.count, 10u);
  EXPECT_LT(few.count, 1000u);
  EXPECT_GE(many.count, 1000u);
  EXPECT_GT(many.enabled_ns, 0u);
  EXPECT_EQ(many.running_ns, many.enabled_ns) << "software events are never multiplexed";
}

TEST(Counting, AnotherThreadsFaultsAreItsOwn) {
  SKIP_UNLESS_COUNTABLE("page-faults");
  const CounterReading reading = count("page-faults", [] { std::thread([] { touch_fresh_pages(2000); }).join(); });
  EXPECT_LT(reading.count, 2000u);
}

TEST(Counting, OnlyFromEnableToDisable) {
  SKIP_UNLESS_COUNTABLE("page-faults");
  const EncodedEvent faults = encode("page-faults");
  ThreadCounters counters({&faults, 1});
  touch_fresh_pages(1000);
  counters.enable();
  counters.disable();
  touch_fresh_pages(1000);
  EXPECT_LT(counters.read().at(0).count, 1000u);
}

TEST(Counting, AnotherThreadMayStartAndStopIt) {
  SKIP_UNLESS_COUNTABLE("page-faults");
  const EncodedEvent faults = encode("page-faults");
  ThreadCounters counters({&faults, 1});
  std::thread([&] { counters.enable(); }).join();
  touch_fresh_pages(1000);
  std::thread([&] { counters.disable(); }).join();
  EXPECT_GE(counters.read().at(0).count, 1000u);
}

TEST(Counting, TaskClockIsTimeOnACpu) {
  SKIP_UNLESS_COUNTABLE("task-clock");
  const CounterReading reading = count("task-clock", [] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
    while (std::chrono::steady_clock::now() < end) touch_fresh_pages(1);
  });
  EXPECT_GT(reading.count, 0u);
  EXPECT_LE(reading.count, reading.enabled_ns + 1'000'000u) << "a sleeping or descheduled thread has none";
}

TEST(Counting, SleepsAreSwitches) {
  SKIP_UNLESS_COUNTABLE("context-switches");
  const CounterReading reading = count("context-switches", [] {
    for (int i = 0; i < 20; ++i) usleep(100);
  });
  EXPECT_GE(reading.count, 20u);
}

TEST(Counting, TscThroughItsOwnPmu) {
  SKIP_UNLESS_COUNTABLE("msr/tsc/");
#if defined(__x86_64__)
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  const CounterReading reading = count("msr/tsc/", [&] {
    before = __builtin_ia32_rdtsc();
    touch_fresh_pages(2000);
    after = __builtin_ia32_rdtsc();
  });
  const ScaledCount scaled = scale(static_cast<double>(reading.count), reading.enabled_ns, reading.running_ns);
  EXPECT_GT(scaled.estimate.value(), 0);
  EXPECT_EQ(reading.running_ns, reading.enabled_ns);
  EXPECT_GT(after, before);
#else
  GTEST_SKIP() << "msr is x86's";
#endif
}

TEST(Counting, SeveralEventsInOneGroupShareItsTime) {
  SKIP_UNLESS_COUNTABLE("page-faults");
  const std::vector<EncodedEvent> events = {encode("page-faults"), encode("task-clock"), encode("minor-faults")};
  ThreadCounters counters(events);
  counters.enable();
  touch_fresh_pages(500);
  counters.disable();
  const auto readings = counters.read();
  ASSERT_EQ(readings.size(), 3u);
  for (const CounterReading& reading : readings) {
    EXPECT_EQ(reading.group, readings[0].group);
    EXPECT_EQ(reading.enabled_ns, readings[0].enabled_ns);
  }
  EXPECT_GE(readings[0].count, 500u);
  EXPECT_GE(readings[2].count, 500u);
  EXPECT_LE(readings[2].count, readings[0].count);
}

TEST(Counting, CyclesAgreeWithTheKernelOnWhetherThereIsAPmu) {
  const std::string reason = unavailable_reason();
  EXPECT_THAT(reason, testing::Not(testing::HasSubstr("\n")));
  if (!reason.empty()) {
    EXPECT_THAT(self_reading_unavailable_reason(), testing::Not(testing::IsEmpty()));
    GTEST_SKIP() << "no hardware events here: " << reason;
  }
  const CounterReading reading = count("cycles", [] { touch_fresh_pages(1000); });
  EXPECT_GT(reading.count, 0u);
}

TEST(Counting, AskingLeavesNoFileOpen) {
  const int before = dup(0);
  close(before);
  unavailable_reason();
  self_reading_unavailable_reason();
  cannot_count("page-faults");
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace shadowwalk::pmu
