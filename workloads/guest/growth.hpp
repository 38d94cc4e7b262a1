#pragma once

#include <stdint.h>

#include "harness/guest/guest_params.hpp"
#include "harness/guest/random.hpp"

namespace shadowwalk {

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

}  // namespace shadowwalk
