// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Freestanding.
namespace shadowwalk {

/// Its finalizer: neighbouring inputs give unrelated outputs.
constexpr uint64_t mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/// The next number: one word of state, passes BigCrush, and takes a few cycles per number, so that producing an access
/// is cheap compared to walking for it.
inline uint64_t next_random(uint64_t& state) { return mix(state += 0x9e3779b97f4a7c15); }

/// Uniform over 0..bound-1 except for a bias below bound / 2^64; no division.
inline uint64_t random_below(uint64_t& state, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(next_random(state)) * bound >> 64);
}

}  // namespace shadowwalk
