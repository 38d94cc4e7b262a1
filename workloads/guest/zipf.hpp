#pragma once

#include <stdint.h>

#include "harness/guest/random.hpp"
#include "harness/guest/zipf_table.hpp"

namespace shadowwalk {

/// Where rank `rank` < table.pages lies: rank * step mod pages, one step for all, without a division. As a fraction of
/// `pages` that is rank * (step / pages), whose whole part wraps away. step / pages is rounded up in its 128th bit and
/// the product to the next 64th: together by less than 2^-63, far from the next page at 2^-36.
inline uint64_t scattered(const ZipfTable& table, uint64_t rank) {
  __extension__ using Wide = unsigned __int128;
  const uint64_t carry = static_cast<uint64_t>(static_cast<Wide>(rank) * table.scatter_low >> 64);
  const uint64_t fraction = rank * table.scatter_high + carry + 1;
  return static_cast<uint64_t>(static_cast<Wide>(fraction) * table.pages >> 64);
}

/// Locality::zipf.
class ZipfPages {
 public:
  explicit ZipfPages(const ZipfTable& table) : table_(table) {}

  uint64_t next(uint64_t& random) const {
    __extension__ using Wide = unsigned __int128;
    // The whole part of the product names the bucket, its fraction tells the bucket from its alias.
    const Wide product = static_cast<Wide>(next_random(random)) * table_.bucket_count;
    const uint64_t drawn = static_cast<uint64_t>(product >> 64);
    const uint64_t fraction = static_cast<uint64_t>(product) >> 32;
    const ZipfTable::Bucket entry = table_.buckets[drawn];
    const uint64_t alias = entry.alias;
    const uint64_t bucket = fraction < entry.keep ? drawn : alias;

    const uint64_t first = ZipfTable::first_rank(bucket);
    const uint64_t whole = uint64_t{1} << ZipfTable::shift(bucket);
    const uint64_t rest = table_.pages - first;
    return scattered(table_, first + random_below(random, whole < rest ? whole : rest));
  }

 private:
  const ZipfTable& table_;
};

}  // namespace shadowwalk
