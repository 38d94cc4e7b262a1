// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

/// What a guest does, as data. Every range is checked by make_guest.
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

/// How a stream picks the page of its next access.
enum class Locality : uint32_t {
  uniform = 0,  ///< each page equally likely
  stride = 1,   ///< `stride` pages after the last one, wrapping at the stream's end; each vCPU starts at a random page
  zipf = 2,     ///< rank r with a probability near 1/r^skew (GuestParams::zipf); ranks are scattered over the pages
  growth = 3,   ///< one access in `first_touch_one_in` is the next new page, the others one of the last `pages`; at the
                ///< end of the window it starts over at its first page
  churn = 4,    ///< processes come and go: see AccessStream::touches; vCPU i begins with process i
};
inline constexpr uint32_t kLocalities = 5;

/// One kind of thing that the guest does. Pages count from GuestParams::base_gfn.
struct AccessStream {
  static constexpr uint32_t kMaxWeight = 10'000;
  static constexpr uint64_t kMaxTouches = uint64_t{1} << 32;
  uint32_t weight = 1;  ///< share of its phase's accesses, relative to other streams' weights: 1..kMaxWeight
  Locality locality = Locality::uniform;
  uint32_t write_percent = 0;       ///< share of its RAM accesses that write, 0..100; churn: of its touches
  uint32_t mmio_percent = 0;        ///< share of its accesses that are MMIO, 0..100; churn: of its touches
  uint64_t first_page = 0;          ///< of the stream's part of memory
  uint64_t pages = 0;               ///< its size, in 4 KiB pages, >= 1; churn: one process's size
  uint64_t stride = 1;              ///< stride: pages from one access to the next, 1..pages
  uint32_t first_touch_one_in = 8;  ///< growth, >= 1
  uint32_t processes = 4;           ///< churn: address spaces in turn, side by side in memory, >= 1
  /// churn: a process touches its pages this often (uniformly), forks (its page-table entries are written one by one,
  /// to be copied on write), touches as often again, and exits (all entries are written again); the next one begins.
  /// 0..kMaxTouches.
  uint64_t touches = 4096;
};

/// A stretch of the guest's life. Its streams go on where they were when it comes again.
struct AccessPhase {
  static constexpr uint32_t kMaxStreams = 4;
  uint64_t accesses = 0;      ///< per vCPU, then the next phase begins; 0: this one, the last, never ends
  uint64_t idle_us = 0;       ///< the vCPU halts this long after each burst that ends in this phase: 0..1,000,000
  uint32_t stream_count = 0;  ///< 1..kMaxStreams
  uint32_t reserved = 0;
  AccessStream streams[kMaxStreams] = {};
};

/// A guest's parameters: copied into the guest's memory at start, read-only to it by convention.
struct GuestParams {
  static constexpr uint32_t kMaxPhases = 4;
  uint32_t vcpu = 0;         ///< 0..vcpus-1; make_guest sets it
  uint32_t burst = 1;        ///< accesses per exit; make_guest sets it
  uint64_t seed = 1;         ///< the access stream is a function of (seed, vcpu, the fields below)
  uint64_t base_gfn = 0;     ///< first page of the guest's memory; all streams end at 2^36 or before
  uint64_t idle_us = 0;      ///< added to that of each phase, for vCPUs that are idle most of the time: the sum is
                             ///< 0..1,000,000
  uint32_t phase_count = 0;  ///< 1..kMaxPhases; after the last one that ends comes the first again
  uint32_t reserved = 0;
  AccessPhase phases[kMaxPhases] = {};
  ZipfTable zipf = {};  ///< of make_zipf_table, over as many pages as each zipf stream has
};

/// The progress of a stream.
struct StreamCursor {
  uint64_t random = 0;  ///< state of its random numbers: at start a hash of (seed, vcpu, which stream)
  /// stride: the page of the next access; growth: first touches; churn: accesses of the process whose turn it is.
  uint64_t position = 0;
  uint64_t process = 0;  ///< churn: which process that is
};

/// The guest's own memory between bursts; make_guest gives each vCPU one to start from.
struct GuestProgramState {
  GuestParams params;
  uint64_t random = 0;      ///< state of the random numbers that choose among streams: at start a hash of (seed, vcpu)
  uint64_t phase = 0;       ///< that of the last access
  uint64_t phase_done = 0;  ///< accesses since it began
  StreamCursor cursors[GuestParams::kMaxPhases][AccessPhase::kMaxStreams] = {};
};

/// How long the vCPU halts after a burst that ends here.
constexpr uint64_t burst_idle_us(const GuestProgramState& state) {
  return state.params.idle_us + state.params.phases[state.phase].idle_us;
}

}  // namespace shadowwalk
