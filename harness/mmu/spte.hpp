// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "harness/mmu/geometry.hpp"
#include "variants/contract.hpp"

/// Shadow page-table entries. Bit positions are x86's where the hardware has one, otherwise as KVM chooses them.
///
///   non-leaf   present, address = the child's table
///   leaf       present, address = gfn << 12, writable / mmu-writable / accessed / dirty
///   MMIO leaf  mmio, not present: hardware would fault on it; address = gfn << 12, as KVM caches the gfn in it
///   poison     fills a freed table; not present, so that the fast path needs no test for it
namespace shadowwalk::spte {

inline constexpr SpteWord kPresent = kSptePresent;
inline constexpr SpteWord kWritable = 1ull << 1;
inline constexpr SpteWord kAccessed = 1ull << 5;
inline constexpr SpteWord kDirty = 1ull << 6;
inline constexpr SpteWord kMmuWritable = 1ull << 58;  ///< write-protected only by the MMU: fast_page_fault may set W
inline constexpr SpteWord kMmio = 1ull << 62;
inline constexpr SpteWord kAbsent = 0;
inline constexpr SpteWord kPoison = 0x9015'0ed0'5bad'e000;
static_assert((kPoison & (kPresent | kMmio)) == 0 && (kRestartWalk & (kPresent | kMmio)) == 0 &&
              kPoison != kRestartWalk);

constexpr SpteWord table(SpteWord address) { return address | kPresent | kWritable | kAccessed; }
constexpr SpteWord ram(Gfn gfn, bool writable) {
  return gfn << kPageShift | kPresent | kMmuWritable | kAccessed | (writable ? kWritable | kDirty : 0);
}
constexpr SpteWord mmio(Gfn gfn) { return gfn << kPageShift | kMmio; }

constexpr bool is_present(SpteWord spte) { return spte_is_present(spte); }
constexpr bool is_writable(SpteWord spte) { return (spte & kWritable) != 0; }
constexpr bool is_mmu_writable(SpteWord spte) { return (spte & kMmuWritable) != 0; }

/// The present test, the leaf's kind and the identity of its gfn in one comparison.
constexpr bool is_ram_of(SpteWord spte, Gfn gfn) {
  return ((spte ^ (gfn << kPageShift | kPresent)) & (kSpteAddress | kPresent | kMmio)) == 0;
}
constexpr bool is_mmio_of(SpteWord spte, Gfn gfn) {
  return ((spte ^ (gfn << kPageShift | kMmio)) & (kSpteAddress | kPresent | kMmio)) == 0;
}
/// A leaf of either kind, of any gfn.
constexpr bool is_leaf(SpteWord spte) { return (spte & (kPresent | kMmio)) != 0; }

}  // namespace shadowwalk::spte
