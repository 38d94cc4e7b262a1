// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

#include "harness/guest/access.hpp"
#include "harness/guest/guest_params.hpp"
#include "harness/guest/random.hpp"

/// How a stream of the guest program picks its pages, a class or function per Locality. Freestanding.
namespace shadowwalk {

/// The kind of a stream's next access, by its shares. Where there is only one kind, no number is drawn.
class AccessKinds {
 public:
  explicit AccessKinds(const AccessStream& stream)
      : mmio_below_(stream.mmio_percent * 100),
        stores_below_(mmio_below_ + (100 - stream.mmio_percent) * stream.write_percent) {}

  bool is_constant() const {
    return mmio_below_ == kAll || (mmio_below_ == 0 && (stores_below_ == 0 || stores_below_ == kAll));
  }

  /// For one that is constant.
  AccessKind constant() const { return of(0); }

  AccessKind next(uint64_t& random) const { return of(random_below(random, kAll)); }

 private:
  static constexpr uint64_t kAll = 100 * 100;

  AccessKind of(uint64_t draw) const {
    if (draw < mmio_below_) return AccessKind::mmio;
    return draw < stores_below_ ? AccessKind::write : AccessKind::read;
  }

  uint64_t mmio_below_;
  uint64_t stores_below_;
};

/// Writes `count` accesses to pages that `pages.next(random)` gives, counted from `first_gfn`. The caller's `pages` is
/// a local object, and the random state is made one here: both live in registers, although the compiler
/// must assume that `out` aliases the guest's state.
template <typename Pages>
[[gnu::always_inline]] inline void fill(Pages& pages, AccessKinds kinds, uint64_t first_gfn, uint64_t& random_state,
                                        Access* out, uint64_t count) {
  uint64_t random = random_state;
  if (kinds.is_constant()) {
    const AccessKind kind = kinds.constant();
    for (uint64_t i = 0; i < count; ++i) out[i] = Access::make(first_gfn + pages.next(random), kind);
  } else {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t gfn = first_gfn + pages.next(random);
      out[i] = Access::make(gfn, kinds.next(random));
    }
  }
  random_state = random;
}

/// Locality::uniform.
class UniformPages {
 public:
  explicit UniformPages(uint64_t pages) : pages_(pages) {}
  uint64_t next(uint64_t& random) const { return random_below(random, pages_); }

 private:
  uint64_t pages_;
};

/// Locality::stride. It draws nothing.
class StridePages {
 public:
  StridePages(const AccessStream& stream, uint64_t page) : pages_(stream.pages), stride_(stream.stride), page_(page) {}

  uint64_t next(uint64_t&) {
    const uint64_t page = page_;
    page_ += stride_;
    if (page_ >= pages_) page_ -= pages_;
    return page;
  }

  uint64_t page() const { return page_; }

 private:
  uint64_t pages_;
  uint64_t stride_;
  uint64_t page_;
};

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

/// Locality::growth: a process that touches ever more memory. `room`: pages from the stream's first to the window's
/// end.
class GrowthPages {
 public:
  GrowthPages(const AccessStream& stream, uint64_t touched, uint64_t room)
      : one_in_(stream.first_touch_one_in), recent_(stream.pages), room_(room), touched_(touched) {}

  uint64_t next(uint64_t& random) {
    const bool first_touch = random_below(random, one_in_) == 0 || touched_ == 0;
    const uint64_t known = touched_ < recent_ ? touched_ : recent_;
    const uint64_t page = first_touch ? touched_++ : touched_ - 1 - random_below(random, known);
    return page < room_ ? page : page % room_;
  }

  uint64_t touched() const { return touched_; }

 private:
  uint64_t one_in_;
  uint64_t recent_;
  uint64_t room_;
  uint64_t touched_;
};

/// Locality::churn. A process's life has two halves, that to its fork and that to its exit: each is `touches` accesses,
/// then one write to each of its page-table entries. The cursor counts the accesses of the process whose turn it is.
inline void fill_churn(const AccessStream& stream, StreamCursor& cursor, uint64_t first_gfn, Access* out,
                       uint64_t count) {
  const AccessKinds kinds(stream);
  const uint64_t half = stream.touches + stream.pages;
  while (count > 0) {
    const uint64_t process_gfn = first_gfn + cursor.process * stream.pages;
    const uint64_t done = cursor.position < half ? cursor.position : cursor.position - half;
    const bool touches = done < stream.touches;
    const uint64_t left = (touches ? stream.touches : half) - done;
    const uint64_t now = count < left ? count : left;
    if (touches) {
      UniformPages pages(stream.pages);
      fill(pages, kinds, process_gfn, cursor.random, out, now);
    } else {
      const uint64_t gfn = process_gfn + (done - stream.touches);
      for (uint64_t i = 0; i < now; ++i) out[i] = Access::make(gfn + i, AccessKind::page_table_write);
    }
    out += now;
    count -= now;
    cursor.position += now;
    if (cursor.position == 2 * half) {
      cursor.position = 0;
      cursor.process = cursor.process + 1 < stream.processes ? cursor.process + 1 : 0;
    }
  }
}

}  // namespace shadowwalk
