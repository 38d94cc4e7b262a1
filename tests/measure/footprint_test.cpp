#include "harness/measure/footprint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <compare>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace shadowwalk {
namespace {

std::uint64_t same_ns(std::uint64_t ticks) { return ticks; }

constexpr std::size_t kIntervals = Footprint::kIntervals;

/// A window [1000, 1000 + 2 * kIntervals): two ticks an interval.
class FootprintTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kStart = 1000;
  static constexpr std::uint64_t kLength = 2 * kIntervals;
  static constexpr std::uint64_t kEnd = kStart + kLength;
  static constexpr std::uint64_t kNsPerTick = 3;
  static std::uint64_t to_ns(std::uint64_t ticks) { return ticks * kNsPerTick; }

  FootprintTest() { window_.set(kStart, kEnd); }
  void allocate(unsigned pages, std::uint64_t now) {
    for (unsigned i = 0; i < pages; ++i) footprint_->on_allocate(now);
  }
  void unlink(unsigned pages, std::uint64_t now) {
    for (unsigned i = 0; i < pages; ++i) footprint_->on_unlink(now);
  }
  void free(unsigned pages, std::uint64_t unlinked_at, std::uint64_t now) {
    for (unsigned i = 0; i < pages; ++i) footprint_->on_free({unlinked_at}, now);
  }

  Window window_;
  std::unique_ptr<Footprint> footprint_ = std::make_unique<Footprint>(window_, to_ns);
};

TEST_F(FootprintTest, NothingHappens) {
  const Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.unlinked, 0u);
  EXPECT_EQ(result.freed_total, 0u);
  EXPECT_EQ(result.retired.peak, 0u);
  EXPECT_EQ(result.retired.mean, 0);
  EXPECT_EQ(result.shadow.peak, 0u);
  EXPECT_EQ(result.free_ns.count(), 0u);
  EXPECT_THAT(result.retired.series_peak, testing::AllOf(testing::SizeIs(kIntervals), testing::Each(0u)));
  EXPECT_THAT(result.retired.series_last, testing::AllOf(testing::SizeIs(kIntervals), testing::Each(0u)));
}

TEST_F(FootprintTest, SequenceByHand) {
  allocate(10, 500);
  unlink(4, 1100);      // retired 4, interval 50
  unlink(2, 1101);      // 6
  free(5, 1100, 1101);  // 1, the same interval
  allocate(3, 1110);    // shadow 8
  unlink(1, 1200);      // 2, interval 100
  free(2, 1200, 1300);  // 0, interval 150
  const Footprint::Result result = footprint_->result();

  EXPECT_EQ(result.unlinked, 7u);
  EXPECT_EQ(result.freed, 7u);
  EXPECT_EQ(result.freed_total, 7u);
  EXPECT_EQ(result.freed_by_drain, 0u);
  EXPECT_EQ(result.retired.peak, 6u);
  EXPECT_EQ(result.shadow.peak, 10u);
  // 4 pages for 1 tick, 1 for 99, 2 for 100.
  EXPECT_DOUBLE_EQ(result.retired.mean, (4 * 1 + 1 * 99 + 2 * 100) / static_cast<double>(kLength));

  std::vector<std::uint64_t> peak(kIntervals, 0);
  std::vector<std::uint64_t> last(kIntervals, 0);
  peak[50] = 6;
  last[50] = 1;
  for (std::size_t i = 51; i < 100; ++i) peak[i] = last[i] = 1;
  for (std::size_t i = 100; i < 150; ++i) peak[i] = last[i] = 2;
  peak[150] = 2;
  EXPECT_EQ(result.retired.series_peak, peak);
  EXPECT_EQ(result.retired.series_last, last);

  EXPECT_EQ(result.free_ns.count(), 7u);
  EXPECT_EQ(result.free_ns.min(), 3u);
  EXPECT_EQ(result.free_ns.max(), 300u);
  EXPECT_EQ(result.free_ns.sum(), (5 * 1 + 2 * 100) * 3u);
}

TEST_F(FootprintTest, PagesRetiredOverTheStart) {
  allocate(8, 10);
  unlink(6, 100);
  free(2, 100, 999);     // 4 are retired as the window starts
  free(3, 100, kStart);  // 1
  const Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.unlinked, 0u);
  EXPECT_EQ(result.freed, 3u);
  EXPECT_EQ(result.freed_total, 5u);
  EXPECT_EQ(result.retired.peak, 4u);
  EXPECT_DOUBLE_EQ(result.retired.mean, 1);
  EXPECT_EQ(result.retired.series_peak.front(), 4u);
  EXPECT_EQ(result.retired.series_last.front(), 1u);
  EXPECT_EQ(result.retired.series_last.back(), 1u);
  EXPECT_EQ(result.shadow.peak, 6u);
  EXPECT_EQ(result.free_ns.count(), 0u) << "unlinked before the window";
}

TEST_F(FootprintTest, PagesRetiredOverTheEnd) {
  allocate(5, 10);
  unlink(5, kEnd - 1);
  free(2, kEnd - 1, kEnd);
  Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.unlinked, 5u);
  EXPECT_EQ(result.freed, 0u);
  EXPECT_EQ(result.freed_total, 2u);
  EXPECT_EQ(result.retired.peak, 5u);
  EXPECT_DOUBLE_EQ(result.retired.mean, 5.0 / kLength);
  EXPECT_EQ(result.retired.series_last.back(), 5u);
  EXPECT_EQ(result.free_ns.count(), 2u) << "freed after the window, but not by the drain";

  footprint_->begin_drain();
  free(3, kEnd - 1, kEnd + 1000);
  result = footprint_->result();
  EXPECT_EQ(result.freed_by_drain, 3u);
  EXPECT_EQ(result.freed_total, 5u);
  EXPECT_EQ(result.free_ns.count(), 2u);
  EXPECT_EQ(footprint_->retired(), 0u);
  EXPECT_EQ(footprint_->shadow(), 0u);
}

TEST_F(FootprintTest, WhatComesAfterTheWindowDoesNotCount) {
  allocate(1, 1010);
  allocate(50, kEnd);
  unlink(40, kEnd);
  free(30, kEnd, kEnd + 10);
  footprint_->begin_drain();
  free(10, kEnd, kEnd + 20);
  const Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.unlinked, 0u);
  EXPECT_EQ(result.freed, 0u);
  EXPECT_EQ(result.freed_total, 40u);
  EXPECT_EQ(result.freed_by_drain, 0u);
  EXPECT_EQ(result.retired.peak, 0u);
  EXPECT_EQ(result.retired.mean, 0);
  EXPECT_EQ(result.shadow.peak, 1u);
  EXPECT_EQ(result.free_ns.count(), 0u);
  EXPECT_EQ(footprint_->retired(), 0u);
  EXPECT_EQ(footprint_->shadow(), 11u);
}

TEST_F(FootprintTest, ShadowPeakForgetsWhatWasFreedBeforeTheWindow) {
  allocate(100, 10);
  unlink(90, 20);
  free(90, 20, 30);
  allocate(5, 1010);
  EXPECT_EQ(footprint_->result().shadow.peak, 15u);
}

TEST_F(FootprintTest, FreeByAClockThatRunsBehindIsFreeAtOnce) {
  allocate(2, 10);
  unlink(1, kStart);
  free(1, kStart, kStart - 1);  // one tick before the window, on the other CPU's clock
  unlink(1, 1100);
  free(1, 1100, 1090);
  const Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.freed, 2u);
  EXPECT_EQ(result.retired.mean, 0);
  EXPECT_THAT(result.retired.series_last, testing::Each(0u));
  EXPECT_EQ(result.free_ns.count(), 2u);
  EXPECT_EQ(result.free_ns.max(), 0u);
}

// Minutes at a million unlinks a second: the sum of ticks passes 2^64.
TEST_F(FootprintTest, MeanSurvivesLongWindows) {
  constexpr std::uint64_t kLong = std::uint64_t{1} << 44;
  constexpr unsigned kPages = 1u << 22;
  window_.set(kStart, kStart + kLong);
  unlink(kPages, kStart + kLong / 2);
  free(kPages - 1, kStart + kLong / 2, kStart + kLong / 2 + 4);
  const double mean = 0.5 + (kPages - 1) * 4.0 / static_cast<double>(kLong);
  EXPECT_NEAR(footprint_->result().retired.mean, mean, 1e-9);
}

TEST_F(FootprintTest, WindowThatIsNeverSetCountsNothing) {
  const Window unset;
  const auto footprint = std::make_unique<Footprint>(unset, same_ns);
  footprint->on_allocate(1);
  footprint->on_unlink(2);
  footprint->on_free({2}, 3);
  const Footprint::Result result = footprint->result();
  EXPECT_EQ(result.unlinked, 0u);
  EXPECT_EQ(result.freed, 0u);
  EXPECT_EQ(result.freed_total, 1u);
  EXPECT_EQ(result.retired.mean, 0);
  EXPECT_EQ(result.retired.peak, 0u);
}

/// A page's life. An event past kNever does not happen.
struct Life {
  static constexpr std::uint64_t kNever = 1'000'000;
  std::uint64_t allocated;
  std::uint64_t unlinked;
  std::uint64_t deferred;
  std::uint64_t freed;
};

/// What a Footprint should say, from every moment of every life.
struct ExpectedLevel {
  std::uint64_t peak = 0;
  std::uint64_t ticks = 0;
  std::vector<std::uint64_t> series_peak = std::vector<std::uint64_t>(kIntervals, 0);
  std::vector<std::uint64_t> series_last = std::vector<std::uint64_t>(kIntervals, 0);
};

template <class Moment>
std::uint64_t count_before(const std::vector<Life>& lives, std::uint64_t time, Moment moment) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(lives, [&](const Life& life) { return life.*moment < time; }));
}

/// Of the pages between two moments of their lives. Events of one tick happen in the order allocate, unlink, defer,
/// free: so the peaks of a tick are before its frees.
ExpectedLevel brute_force(std::vector<Life> lives, std::uint64_t Life::*begins, std::uint64_t start,
                          std::uint64_t end) {
  std::erase_if(lives, [&](const Life& life) { return life.*begins == Life::kNever; });
  ExpectedLevel expected;
  for (std::size_t i = 0; i < kIntervals; ++i) expected.series_last[i] = Life::kNever;
  for (std::uint64_t t = start; t < end; ++t) {
    const std::uint64_t begun = count_before(lives, t + 1, begins);
    const std::uint64_t high = begun - count_before(lives, t, &Life::freed);
    const std::uint64_t level = begun - count_before(lives, t + 1, &Life::freed);
    expected.ticks += level;
    expected.peak = std::max(expected.peak, high);
    const std::size_t interval = (t - start) * kIntervals / (end - start);
    expected.series_peak[interval] = std::max(expected.series_peak[interval], high);
    expected.series_last[interval] = level;
  }
  // An interval shorter than a tick holds what the one before it held.
  std::uint64_t carried = 0;
  for (std::size_t i = 0; i < kIntervals; ++i) {
    if (expected.series_last[i] == Life::kNever) expected.series_peak[i] = expected.series_last[i] = carried;
    carried = expected.series_last[i];
  }
  return expected;
}

void expect_level(const Footprint::Occupancy& level, const ExpectedLevel& expected, std::uint64_t length) {
  EXPECT_EQ(level.peak, expected.peak);
  EXPECT_DOUBLE_EQ(level.mean, static_cast<double>(expected.ticks) / static_cast<double>(length));
  EXPECT_EQ(level.series_peak, expected.series_peak);
  EXPECT_EQ(level.series_last, expected.series_last);
}

class FootprintRandomTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FootprintRandomTest, AgreesWithBruteForce) {
  const std::uint64_t length = GetParam();
  const std::uint64_t start = length;
  const std::uint64_t end = start + length;
  const std::uint64_t drain = end + length / 2;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::uint64_t limit) { return random() % (limit + 1); };
    std::vector<Life> lives(200);
    for (Life& life : lives) {
      life.allocated = up_to(end);
      life.unlinked = life.allocated + up_to(length);
      life.freed = life.unlinked + up_to(random() % 2 == 0 ? length : 3);
      life.deferred = random() % 2 == 0 ? Life::kNever : life.unlinked + up_to(life.freed - life.unlinked);
      if (random() % 10 == 0) life.freed = Life::kNever;
      if (random() % 10 == 0) life.unlinked = life.deferred = life.freed = Life::kNever;
    }

    enum Kind { allocated, unlinked, deferred, freed };
    struct Event {
      std::uint64_t at;
      Kind kind;
      std::uint64_t unlinked_at;
      std::uint64_t deferred_at;
      auto operator<=>(const Event&) const = default;
    };
    std::vector<Event> events;
    for (const Life& life : lives) {
      events.push_back({life.allocated, allocated, 0, 0});
      if (life.unlinked != Life::kNever) events.push_back({life.unlinked, unlinked, 0, 0});
      if (life.deferred != Life::kNever) events.push_back({life.deferred, deferred, 0, 0});
      if (life.freed != Life::kNever) events.push_back({life.freed, freed, life.unlinked, life.deferred});
    }
    std::ranges::sort(events);

    Window window;
    window.set(start, end);
    const auto footprint = std::make_unique<Footprint>(window, same_ns);
    Histogram free_ns;
    Histogram deferred_free_ns;
    std::uint64_t by_drain = 0;
    bool draining = false;
    for (const Event& event : events) {
      if (event.at >= drain && !draining) {
        footprint->begin_drain();
        draining = true;
      }
      if (event.kind == allocated) footprint->on_allocate(event.at);
      if (event.kind == unlinked) footprint->on_unlink(event.at);
      if (event.kind == deferred) footprint->on_defer(event.at);
      if (event.kind != freed) continue;
      const bool outlived_commit = event.deferred_at != Life::kNever;
      footprint->on_free({event.unlinked_at, outlived_commit ? std::optional(event.deferred_at) : std::nullopt},
                         event.at);
      if (event.unlinked_at < start || event.unlinked_at >= end) continue;
      if (draining) {
        ++by_drain;
      } else {
        free_ns.record(event.at - event.unlinked_at);
        if (outlived_commit) deferred_free_ns.record(event.at - event.unlinked_at);
      }
    }

    const Footprint::Result result = footprint->result();
    EXPECT_EQ(result.unlinked, count_before(lives, end, &Life::unlinked) - count_before(lives, start, &Life::unlinked));
    EXPECT_EQ(result.freed, count_before(lives, end, &Life::freed) - count_before(lives, start, &Life::freed));
    EXPECT_EQ(result.freed_total, count_before(lives, Life::kNever, &Life::freed));
    EXPECT_EQ(result.freed_by_drain, by_drain);
    expect_level(result.retired, brute_force(lives, &Life::unlinked, start, end), length);
    expect_level(result.deferred, brute_force(lives, &Life::deferred, start, end), length);
    expect_level(result.shadow, brute_force(lives, &Life::allocated, start, end), length);
    EXPECT_EQ(result.free_ns.count(), free_ns.count());
    EXPECT_EQ(result.free_ns.sum(), free_ns.sum());
    EXPECT_EQ(result.free_ns.max(), free_ns.max());
    EXPECT_EQ(result.deferred_free_ns.count(), deferred_free_ns.count());
    EXPECT_EQ(result.deferred_free_ns.sum(), deferred_free_ns.sum());
  }
}

// Shorter than the series, equal, a multiple, and neither.
INSTANTIATE_TEST_SUITE_P(Lengths, FootprintRandomTest, testing::Values(100, 256, 512, 1000, 1021));

TEST_F(FootprintTest, FreersRunBesideTheUnlinker) {
  constexpr unsigned kFreers = 3;
  constexpr unsigned kPages = 20'000;  // each
  allocate(kFreers * kPages, 10);
  std::atomic<unsigned> unlinked{0};
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      for (unsigned i = 0; i < kFreers * kPages; ++i) {
        footprint_->on_unlink(kStart);
        unlinked.fetch_add(1, std::memory_order_release);
      }
    });
    for (unsigned freer = 0; freer < kFreers; ++freer) {
      threads.emplace_back([&, freer] {
        for (unsigned i = 0; i < kPages; ++i) {
          while (unlinked.load(std::memory_order_acquire) <= i * kFreers + freer) std::this_thread::yield();
          footprint_->on_free({kStart}, kStart + kLength / 2);
        }
      });
    }
  }
  const Footprint::Result result = footprint_->result();
  EXPECT_EQ(result.unlinked, kFreers * kPages);
  EXPECT_EQ(result.freed, kFreers * kPages);
  EXPECT_EQ(result.freed_total, kFreers * kPages);
  EXPECT_DOUBLE_EQ(result.retired.mean, kFreers * kPages / 2.0);
  EXPECT_EQ(result.retired.series_last[0], kFreers * kPages);
  EXPECT_EQ(result.retired.series_last[kIntervals / 2], 0u);
  EXPECT_EQ(result.free_ns.count(), kFreers * kPages);
  EXPECT_EQ(result.free_ns.sum(), std::uint64_t{kFreers} * kPages * (kLength / 2) * 3);
  EXPECT_EQ(footprint_->retired(), 0u);
  EXPECT_EQ(footprint_->shadow(), 0u);
}

}  // namespace
}  // namespace shadowwalk
