// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>

namespace shadowwalk {

/// Guest frame number: guest-physical address >> 12.
using Gfn = std::uint64_t;

inline constexpr unsigned kPageShift = 12;
inline constexpr std::size_t kPageBytes = std::size_t{1} << kPageShift;

/// The shape of a page table: the number of levels, and 2^kIndexBits entries per table. Level 1 holds leaves, level
/// kLevels is the root's.
template <int Levels, int IndexBits>
struct Geometry {
  static constexpr int kLevels = Levels;
  static constexpr int kIndexBits = IndexBits;
  static constexpr std::size_t kEntries = std::size_t{1} << IndexBits;
  /// Gfns from 0 up to here have a translation.
  static constexpr Gfn kGfns = Gfn{1} << (Levels * IndexBits);

  static constexpr std::size_t index(Gfn gfn, int level) {
    return static_cast<std::size_t>(gfn >> ((level - 1) * IndexBits)) & (kEntries - 1);
  }
  /// Gfns that one table of this level translates.
  static constexpr Gfn span(int level) { return Gfn{1} << (level * IndexBits); }
  /// First gfn of the table of this level that translates `gfn`.
  static constexpr Gfn base(Gfn gfn, int level) { return gfn & ~(span(level) - 1); }
};

/// The measured geometry: x86-64's four levels of 512 entries, a window of 2^48 bytes.
using MeasuredGeometry = Geometry<4, 9>;
/// The verified geometry: small enough to explore every interleaving.
using VerifiedGeometry = Geometry<2, 1>;

}  // namespace shadowwalk
