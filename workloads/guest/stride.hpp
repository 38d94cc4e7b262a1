#pragma once

#include <stdint.h>

#include "harness/guest/guest_params.hpp"

namespace shadowwalk {

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

}  // namespace shadowwalk
