// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "harness/measure/histogram_scale.hpp"

namespace shadowwalk {

/// A histogram of nanoseconds or any other count, in fixed memory. One writer; histograms of several writers merge.
class Histogram {
 public:
  void record(std::uint64_t value) {
    ++counts_[HistogramScale::bucket_of(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  /// Adds counts that were taken elsewhere on the same scale, as by a guest in its own memory. Adds nothing if `counts`
  /// is all 0.
  void add(std::span<const std::uint64_t, HistogramScale::kBuckets> counts, std::uint64_t sum, std::uint64_t min,
           std::uint64_t max) {
    std::uint64_t added = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i] += counts[i];
      added += counts[i];
    }
    if (added == 0) return;
    count_ += added;
    sum_ += sum;
    min_ = std::min(min_, min);
    max_ = std::max(max_, max);
  }

  void merge(const Histogram& other) { add(other.counts_, other.sum_, other.min_, other.max_); }

  /// The values recorded since `earlier`, a copy of this one. The least and greatest value are known only to their
  /// bucket.
  Histogram since(const Histogram& earlier) const {
    Histogram later;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::uint64_t count = counts_[i] - earlier.counts_[i];
      if (count == 0) continue;
      later.counts_[i] = count;
      later.count_ += count;
      later.min_ = std::min(later.min_, HistogramScale::lowest(i));
      later.max_ = HistogramScale::highest(i);
    }
    later.sum_ = sum_ - earlier.sum_;
    return later;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  std::uint64_t max() const { return max_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  std::uint64_t count_in(std::size_t bucket) const { return counts_[bucket]; }

  /// The smallest recorded value v such that at least `fraction` of all values are <= v, to the scale's precision (the
  /// middle of its bucket, within [min, max]). `fraction` in (0, 1]; 0 if nothing was recorded.
  double quantile(double fraction) const {
    if (count_ == 0) return 0;
    const double all = static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (counts_[i] != 0 && static_cast<double>(seen) / all >= fraction) {
        const double middle =
            (static_cast<double>(HistogramScale::lowest(i)) + static_cast<double>(HistogramScale::highest(i))) / 2;
        return std::clamp(middle, static_cast<double>(min_), static_cast<double>(max_));
      }
    }
    return static_cast<double>(max_);
  }

 private:
  std::array<std::uint64_t, HistogramScale::kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

/// The same for several writers at once. snapshot() is exact once they have stopped.
class ConcurrentHistogram {
 public:
  void record(std::uint64_t value) {
    counts_[HistogramScale::bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
    lower(min_, value);
    raise(max_, value);
  }

  std::uint64_t count_in(std::size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  std::uint64_t max() const { return max_.load(std::memory_order_relaxed); }
  /// The greatest number if nothing was recorded.
  std::uint64_t min() const { return min_.load(std::memory_order_relaxed); }

  Histogram snapshot() const {
    std::array<std::uint64_t, HistogramScale::kBuckets> counts;
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = count_in(i);
    Histogram copy;
    copy.add(counts, sum(), min(), max());
    return copy;
  }

 private:
  static void lower(std::atomic<std::uint64_t>& bound, std::uint64_t value) {
    std::uint64_t old = bound.load(std::memory_order_relaxed);
    while (value < old && !bound.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
    }
  }
  static void raise(std::atomic<std::uint64_t>& bound, std::uint64_t value) {
    std::uint64_t old = bound.load(std::memory_order_relaxed);
    while (value > old && !bound.compare_exchange_weak(old, value, std::memory_order_relaxed)) {
    }
  }

  std::array<std::atomic<std::uint64_t>, HistogramScale::kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> min_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace shadowwalk
