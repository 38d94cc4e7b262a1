#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

namespace shadowwalk {

/// Zipf's distribution over ranks 0..pages-1 (rank r with a probability near 1/(r+1)^skew) for integer arithmetic, and
/// where in memory each rank lies. Made by make_zipf_table.
///
/// Walker's alias method over buckets of neighbouring ranks: one draw names a bucket and says whether it is that one or
/// its alias, another one names the rank in it, all equally likely. The first ranks have a bucket each; then each
/// octave has kBucketsPerOctave, so that within a bucket Zipf's own probabilities differ by (9/8)^skew at most.
struct ZipfTable {
  static constexpr uint64_t kExactRanks = 64;
  static constexpr uint64_t kBucketsPerOctave = 8;
  static constexpr uint64_t kMaxBuckets = kExactRanks + 30 * kBucketsPerOctave;  // up to 2^36 ranks

  struct Bucket {
    uint32_t keep;   ///< of 2^32 draws that name this bucket, so many mean it; the others mean its alias
    uint32_t alias;  ///< a bucket; itself where none is needed
  };

  uint64_t pages = 0;
  uint64_t bucket_count = 0;  ///< 1..kMaxBuckets
  /// A rank's place as a fraction of `pages`, in 128 bits behind the binary point: rank * scatter, wrapping.
  uint64_t scatter_high = 0;
  uint64_t scatter_low = 0;
  Bucket buckets[kMaxBuckets] = {};

  /// The first rank of a bucket. That of the next bucket is where it ends, unless `pages` comes before.
  static constexpr uint64_t first_rank(uint64_t bucket) {
    if (bucket < kExactRanks) return bucket;
    const uint64_t beyond = bucket - kExactRanks;
    const uint64_t ranks = kExactRanks / kBucketsPerOctave << beyond / kBucketsPerOctave;  // of each in this octave
    return (kBucketsPerOctave + beyond % kBucketsPerOctave) * ranks;
  }
};
static_assert(ZipfTable::first_rank(ZipfTable::kExactRanks) == ZipfTable::kExactRanks);
static_assert(ZipfTable::first_rank(ZipfTable::kMaxBuckets) == uint64_t{1} << 36);

}  // namespace shadowwalk
