// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

namespace shadowwalk {

/// Why the guest's access would have entered the hypervisor's page-fault handler.
enum class AccessKind : uint8_t {
  read = 0,              ///< a load from a RAM page
  write = 1,             ///< a store to a RAM page
  mmio = 2,              ///< a load from a device page
  page_table_write = 3,  ///< a store to the guest's page-table page that maps this gfn
};

/// Whether the guest makes the access with a store.
constexpr bool is_store(AccessKind kind) { return kind == AccessKind::write || kind == AccessKind::page_table_write; }

/// One guest access: what starts one walk. It is the access ring's entry: the guest writes it, so the host
/// must treat it as hostile until AccessRing has checked it.
struct Access {
  uint64_t word;

  static constexpr Access make(uint64_t gfn, AccessKind kind) { return {gfn << 2 | static_cast<uint64_t>(kind)}; }
  /// Guest frame number: guest-physical address >> 12, in 4 KiB pages of the lab's window.
  constexpr uint64_t gfn() const { return word >> 2; }
  constexpr AccessKind kind() const { return static_cast<AccessKind>(word & 3); }
};
static_assert(sizeof(Access) == 8);

}  // namespace shadowwalk
