// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: a KVM guest counts on this scale too, and includes this file freestanding

namespace shadowwalk {

/// The buckets of a log-linear histogram: exact below 2^kSubBucketBits, then 2^kSubBucketBits buckets per octave, so
/// that a bucket's middle is within 0.4 % of every value in it. Values past kMaxValue count in the last bucket.
struct HistogramScale {
  static constexpr unsigned kSubBucketBits = 7;
  static constexpr unsigned kMaxBits = 44;  ///< 2^44 ns: 4.9 hours
  static constexpr uint64_t kMaxValue = (uint64_t{1} << kMaxBits) - 1;
  static constexpr uint64_t kBuckets = uint64_t{kMaxBits - kSubBucketBits + 1} << kSubBucketBits;

  static constexpr uint64_t bucket_of(uint64_t value) {
    if (value > kMaxValue) value = kMaxValue;
    if (value < (1u << kSubBucketBits)) return value;
    const unsigned shift = 63 - static_cast<unsigned>(__builtin_clzll(value)) - kSubBucketBits;
    return (uint64_t{shift} << kSubBucketBits) + (value >> shift);
  }
  static constexpr uint64_t lowest(uint64_t bucket) {
    const uint64_t octave = bucket >> kSubBucketBits;
    if (octave <= 1) return bucket;
    const uint64_t shift = octave - 1;
    return (bucket - (shift << kSubBucketBits)) << shift;
  }
  static constexpr uint64_t highest(uint64_t bucket) { return lowest(bucket + 1) - 1; }
};

}  // namespace shadowwalk
