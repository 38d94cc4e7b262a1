#pragma once

#include <stdint.h>

#include "harness/guest/random.hpp"

namespace shadowwalk {

/// Locality::uniform.
class UniformPages {
 public:
  explicit UniformPages(uint64_t pages) : pages_(pages) {}
  uint64_t next(uint64_t& random) const { return random_below(random, pages_); }

 private:
  uint64_t pages_;
};

}  // namespace shadowwalk
