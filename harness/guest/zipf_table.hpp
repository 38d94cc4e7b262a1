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
  static constexpr uint64_t kBucketsPerOctave = 8;
  static constexpr uint64_t kFirstShift = 3;  ///< behind the exact ranks, a bucket begins with 2^3 ranks
  static constexpr uint64_t kExactRanks = kBucketsPerOctave << kFirstShift;
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

  /// A bucket has 2^shift ranks, the last one perhaps less: `pages` may come before its end. Exact ranks and octaves
  /// come by turns that no branch predictor could learn: so there is no branch.
  static constexpr uint64_t shift(uint64_t bucket) {
    return (bucket / kBucketsPerOctave - kExactRanks / kBucketsPerOctave + kFirstShift) & octave_mask(bucket);
  }
  static constexpr uint64_t first_rank(uint64_t bucket) {
    const uint64_t octaves = (bucket / kBucketsPerOctave - 1) & octave_mask(bucket);
    return (bucket - octaves * kBucketsPerOctave) << shift(bucket);
  }
  /// All ones for a bucket of more than one rank, else 0.
  static constexpr uint64_t octave_mask(uint64_t bucket) { return -static_cast<uint64_t>(bucket >= kExactRanks); }
};
static_assert(ZipfTable::first_rank(ZipfTable::kExactRanks) == ZipfTable::kExactRanks);
static_assert(ZipfTable::first_rank(ZipfTable::kMaxBuckets) == uint64_t{1} << 36);

}  // namespace shadowwalk
