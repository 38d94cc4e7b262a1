#include "harness/measure/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace shadowwalk {
namespace {

using Scale = HistogramScale;

/// Powers of two and their neighbours, the ends of the scale, and beyond.
std::vector<std::uint64_t> adversarial_values() {
  std::vector<std::uint64_t> values{0, 1, Scale::kMaxValue - 1, Scale::kMaxValue};
  for (unsigned bit = 1; bit < Scale::kMaxBits; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

/// Random values of every magnitude.
std::vector<std::uint64_t> random_values(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values(count);
  for (std::uint64_t& value : values) value = (random() & Scale::kMaxValue) >> (random() % Scale::kMaxBits);
  return values;
}

Histogram histogram_of(const std::vector<std::uint64_t>& values) {
  Histogram histogram;
  for (std::uint64_t value : values) histogram.record(value);
  return histogram;
}

/// The smallest value v such that at least `part` of `whole` equal parts of all values are <= v: exact.
std::uint64_t exact_quantile(std::vector<std::uint64_t> values, std::uint64_t part, std::uint64_t whole) {
  std::ranges::sort(values);
  const std::uint64_t rank = (part * values.size() + whole - 1) / whole;
  return values[rank - 1];
}

void expect_quantiles(const Histogram& histogram, const std::vector<std::uint64_t>& values) {
  constexpr std::uint64_t kWhole = 1000;
  for (const std::uint64_t part : {1u, 10u, 70u, 250u, 500u, 900u, 990u, 999u, 1000u}) {
    const auto exact = static_cast<double>(exact_quantile(values, part, kWhole));
    const double quantile = histogram.quantile(static_cast<double>(part) / kWhole);
    EXPECT_LE(std::abs(quantile - exact), exact * 0.004) << part << " of 1000, exact " << exact;
  }
}

void expect_equal(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.sum(), b.sum());
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
  for (std::size_t i = 0; i < Scale::kBuckets; ++i) ASSERT_EQ(a.count_in(i), b.count_in(i)) << "bucket " << i;
}

TEST(HistogramScaleTest, BucketsTileTheScaleWithoutGapOrOverlap) {
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < Scale::kBuckets; ++i) {
    ASSERT_LE(Scale::lowest(i), Scale::highest(i)) << i;
    ASSERT_EQ(Scale::bucket_of(Scale::lowest(i)), i);
    ASSERT_EQ(Scale::bucket_of(Scale::highest(i)), i);
    ASSERT_EQ(Scale::lowest(i), next) << i;
    next = Scale::highest(i) + 1;
  }
  EXPECT_EQ(Scale::highest(Scale::kBuckets - 1), Scale::kMaxValue);
}

TEST(HistogramScaleTest, MiddleOfABucketIsWithinFourPerMille) {
  std::vector<std::uint64_t> values = adversarial_values();
  const std::vector<std::uint64_t> random = random_values(100'000, 1);
  values.insert(values.end(), random.begin(), random.end());
  for (const std::uint64_t value : values) {
    const std::size_t bucket = Scale::bucket_of(value);
    ASSERT_LE(Scale::lowest(bucket), value);
    ASSERT_GE(Scale::highest(bucket), value);
    const double middle =
        (static_cast<double>(Scale::lowest(bucket)) + static_cast<double>(Scale::highest(bucket))) / 2;
    ASSERT_LE(std::abs(middle - static_cast<double>(value)), static_cast<double>(value) * 0.004) << value;
  }
}

TEST(HistogramScaleTest, ValuesBeyondTheScaleGoToTheLastBucket) {
  for (const std::uint64_t value : {Scale::kMaxValue, Scale::kMaxValue + 1, ~std::uint64_t{0}}) {
    EXPECT_EQ(Scale::bucket_of(value), Scale::kBuckets - 1);
  }
}

TEST(HistogramTest, EmptyIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.sum(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 0);
}

TEST(HistogramTest, OneValueIsEveryQuantileExactly) {
  for (const std::uint64_t value : adversarial_values()) {
    const Histogram histogram = histogram_of({value});
    for (const double fraction : {1e-9, 0.5, 0.999, 1.0}) {
      EXPECT_EQ(histogram.quantile(fraction), static_cast<double>(value)) << fraction;
    }
  }
}

// Values below 128 have a bucket each, so that ranks must be exact, though 0.07 * 100 is not 7 in floating point.
TEST(HistogramTest, QuantileOfSmallValuesIsExactAtEachRank) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
  for (int percent = 1; percent <= 100; ++percent) EXPECT_EQ(histogram.quantile(percent / 100.0), percent);
  EXPECT_EQ(histogram.quantile(0.001), 1);
  EXPECT_EQ(histogram.quantile(0.0701), 8);
}

TEST(HistogramTest, QuantilesOfRandomValues) {
  for (const std::size_t count : {1u, 2u, 3u, 10u, 999u, 1000u, 1001u, 100'000u}) {
    const std::vector<std::uint64_t> values = random_values(count, static_cast<unsigned>(count));
    SCOPED_TRACE(count);
    expect_quantiles(histogram_of(values), values);
  }
}

TEST(HistogramTest, QuantilesOfAdversarialValues) {
  const std::vector<std::uint64_t> values = adversarial_values();
  expect_quantiles(histogram_of(values), values);
}

TEST(HistogramTest, QuantilesOfLatenciesWithALongTail) {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> distribution(7, 2);
  std::vector<std::uint64_t> values(50'000);
  for (std::uint64_t& value : values) value = static_cast<std::uint64_t>(distribution(random));
  expect_quantiles(histogram_of(values), values);
}

TEST(HistogramTest, CountSumMinAndMaxAreExact) {
  const std::vector<std::uint64_t> values = random_values(10'000, 7);
  const Histogram histogram = histogram_of(values);
  std::uint64_t sum = 0;
  for (std::uint64_t value : values) sum += value;
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.sum(), sum);
  EXPECT_EQ(histogram.min(), *std::ranges::min_element(values));
  EXPECT_EQ(histogram.max(), *std::ranges::max_element(values));
}

TEST(HistogramTest, ValueBeyondTheScaleKeepsItsMax) {
  const std::uint64_t beyond = Scale::kMaxValue + 12345;
  const Histogram alone = histogram_of({beyond});
  EXPECT_EQ(alone.max(), beyond);
  EXPECT_EQ(alone.quantile(1.0), static_cast<double>(beyond));
  const Histogram histogram = histogram_of({5, beyond});
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.quantile(0.5), 5);
  EXPECT_GE(histogram.quantile(1.0), static_cast<double>(Scale::lowest(Scale::kBuckets - 1)));
}

TEST(HistogramTest, MergeEqualsRecordingAll) {
  const std::vector<std::uint64_t> first = random_values(5000, 11);
  const std::vector<std::uint64_t> second = adversarial_values();
  std::vector<std::uint64_t> all = first;
  all.insert(all.end(), second.begin(), second.end());

  Histogram merged;
  merged.merge(histogram_of(first));
  merged.merge(Histogram());
  merged.merge(histogram_of(second));
  expect_equal(merged, histogram_of(all));
  expect_quantiles(merged, all);
}

TEST(ConcurrentHistogramTest, SnapshotOfNothingIsEmpty) {
  const ConcurrentHistogram histogram;
  expect_equal(histogram.snapshot(), Histogram());
}

TEST(ConcurrentHistogramTest, SeveralThreadsRecordAsOneWould) {
  constexpr unsigned kThreads = 4;
  const auto histogram = std::make_unique<ConcurrentHistogram>();
  Histogram reference;
  std::vector<std::vector<std::uint64_t>> values;
  for (unsigned i = 0; i < kThreads; ++i) {
    // Few values, so that threads meet in the same buckets; the extremes come late and from different threads.
    values.push_back(random_values(20'000, 100 + i));
    for (std::uint64_t& value : values.back()) value = value % 300 + 1000;
    values.back().push_back(i == 1 ? 1 : 1000);
    values.back().push_back(i == 2 ? Scale::kMaxValue + 1 : 1000);
    for (std::uint64_t value : values.back()) reference.record(value);
  }
  {
    std::vector<std::jthread> threads;
    for (const auto& mine : values) {
      threads.emplace_back([&] {
        for (std::uint64_t value : mine) histogram->record(value);
      });
    }
  }
  expect_equal(histogram->snapshot(), reference);
}

TEST(Histogram, SinceAnEarlierCopyOfItself) {
  Histogram histogram;
  for (int i = 0; i < 10; ++i) histogram.record(5);
  const Histogram earlier = histogram;
  EXPECT_EQ(histogram.since(earlier).count(), 0u);
  EXPECT_EQ(histogram.since(earlier).quantile(0.5), 0);
  histogram.record(100'000);
  histogram.record(7);
  const Histogram later = histogram.since(earlier);
  EXPECT_EQ(later.count(), 2u);
  EXPECT_EQ(later.sum(), 100'007u);
  EXPECT_EQ(later.quantile(0.5), 7);
  EXPECT_NEAR(later.quantile(1), 100'000, 400);
  EXPECT_GE(later.max(), 100'000u);
}

}  // namespace
}  // namespace shadowwalk
