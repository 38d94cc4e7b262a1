#pragma once

#include <stdint.h>

#include "harness/guest/access.hpp"
#include "harness/guest/guest_params.hpp"
#include "harness/guest/random.hpp"

namespace shadowwalk {

/// What a stream's next access is, by its shares. Where there is nothing to choose from, no number is drawn.
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

}  // namespace shadowwalk
