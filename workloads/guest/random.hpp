#pragma once

#include <stdint.h>

namespace shadowwalk {

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): one word of state, passes
/// BigCrush, and a few cycles a number, so that producing an access stays cheap beside walking for it.
inline uint64_t next_random(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t value = state;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

/// Uniform over 0..bound-1 but for a bias below bound / 2^64; no division.
inline uint64_t random_below(uint64_t& state, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(next_random(state)) * bound >> 64);
}

}  // namespace shadowwalk
