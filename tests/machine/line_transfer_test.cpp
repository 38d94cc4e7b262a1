#include "harness/machine/line_transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"
#include "harness/os/allowed_cpus.hpp"
#include "tests/machine/watchdog.hpp"

namespace shadowwalk {
namespace {

using os::allowed_cpus;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(LineTransferSummaryTest, OneWayIsHalfARoundTrip) {
  const LineTransfer transfer = summarize_batches({1000}, 10);
  EXPECT_EQ(transfer.median_ns, 50);
  EXPECT_EQ(transfer.q1_ns, 50);
  EXPECT_EQ(transfer.q3_ns, 50);
  EXPECT_EQ(transfer.batches, 1u);
}

TEST(LineTransferSummaryTest, QuartilesOfBatchesInAnyOrder) {
  const LineTransfer odd = summarize_batches({50, 10, 40, 20, 30}, 1);
  EXPECT_EQ(odd.q1_ns, 10);
  EXPECT_EQ(odd.median_ns, 15);
  EXPECT_EQ(odd.q3_ns, 20);
  const LineTransfer even = summarize_batches({40, 10, 30, 20}, 1);
  EXPECT_DOUBLE_EQ(even.q1_ns, 17.5 / 2);
  EXPECT_DOUBLE_EQ(even.median_ns, 12.5);
  EXPECT_DOUBLE_EQ(even.q3_ns, 32.5 / 2);
  EXPECT_EQ(even.batches, 4u);
}

TEST(LineTransferSummaryTest, OneBatchThatLostItsCpuDoesNotMoveTheMedian) {
  const LineTransfer transfer = summarize_batches({20, 20, 20, 20, 4e6}, 1);
  EXPECT_EQ(transfer.median_ns, 10);
  EXPECT_EQ(transfer.q3_ns, 10);
}

class LineTransferTest : public testing::Test {
 protected:
  void SetUp() override {
    if (allowed_cpus().size() < 2) GTEST_SKIP() << "needs two CPUs";
  }
  const unsigned a_ = allowed_cpus().front();
  const unsigned b_ = allowed_cpus().back();
  test::Watchdog watchdog_{"measure_line_transfer()"};
};

TEST_F(LineTransferTest, MeasuresAPairInOrderedQuartiles) {
  const LineTransfer transfer = measure_line_transfer(a_, b_);
  EXPECT_GE(transfer.batches, 1u);
  EXPECT_GT(transfer.q1_ns, 0);
  EXPECT_LE(transfer.q1_ns, transfer.median_ns);
  EXPECT_LE(transfer.median_ns, transfer.q3_ns);
}

TEST_F(LineTransferTest, NoBudgetStillGivesBatches) {
  EXPECT_GE(measure_line_transfer(a_, b_, milliseconds(0)).batches, 1u);
  EXPECT_GE(measure_line_transfer(a_, b_, milliseconds(-1)).batches, 1u);
}

TEST_F(LineTransferTest, CallingThreadKeepsItsCpus) {
  const std::vector<unsigned> before = allowed_cpus();
  measure_line_transfer(a_, b_, milliseconds(1));
  EXPECT_EQ(allowed_cpus(), before);
}

// A cell's main thread may be pinned; the measurement's own threads are not bound by that.
TEST_F(LineTransferTest, WorksFromAPinnedThread) {
  std::thread([&] {
    pin_this_thread(a_);
    EXPECT_GE(measure_line_transfer(b_, a_, milliseconds(1)).batches, 1u);
    EXPECT_THAT(allowed_cpus(), testing::ElementsAre(a_));
  }).join();
}

// More busy threads than CPUs: the two must lose their CPUs to others, and to each other's measurement.
TEST_F(LineTransferTest, EndsOnBusyCpus) {
  std::atomic<bool> stop{false};
  std::vector<std::jthread> busy;
  for (const unsigned cpu : {a_, a_, b_, b_}) {
    busy.emplace_back([cpu, &stop] {
      pin_this_thread(cpu);
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  }
  const auto measure = [&] {
    try {
      EXPECT_GE(measure_line_transfer(a_, b_, milliseconds(20)).batches, 1u);
    } catch (const CellError& error) {
      EXPECT_THAT(error.what(), HasSubstr("too busy"));
    }
  };
  std::thread other(measure);
  measure();
  other.join();
  stop.store(true);
}

TEST_F(LineTransferTest, ACpuAndItselfAreNoPair) { EXPECT_THROW(measure_line_transfer(a_, a_), InputError); }

TEST_F(LineTransferTest, CpuThatIsNotThereIsNamedWhicheverItIs) {
  const unsigned nowhere = 999'999;
  for (const auto& [first, second] : {std::pair{a_, nowhere}, std::pair{nowhere, b_}}) {
    try {
      measure_line_transfer(first, second);
      ADD_FAILURE() << "measured a CPU that is not there";
    } catch (const CellError& error) {
      EXPECT_THAT(error.what(), HasSubstr("cannot pin a thread to CPU 999999"));
    }
  }
}

}  // namespace
}  // namespace shadowwalk
