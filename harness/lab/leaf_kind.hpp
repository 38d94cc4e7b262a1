#pragma once

#include "harness/guest/access.hpp"
#include "harness/mmu/fault.hpp"

namespace shadowwalk {

/// The leaf that a guest's access needs: where the guests' words and the MMU's meet.
constexpr LeafKind leaf_kind(AccessKind kind) {
  switch (kind) {
    case AccessKind::read:
      return LeafKind::ram_read;
    case AccessKind::write:
    case AccessKind::page_table_write:
      return LeafKind::ram_write;
    case AccessKind::mmio:
      return LeafKind::mmio;
  }
  return LeafKind::mmio;
}

}  // namespace shadowwalk
