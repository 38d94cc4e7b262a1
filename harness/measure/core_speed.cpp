#include "harness/measure/core_speed.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace shadowwalk {

double core_speed() {
  constexpr int kTries = 8;
  constexpr int kMultiplications = 10'000;  // some 10 us: long against a clock read, short against a time slice
  double best = 0;
  std::uint64_t product = 3;
  for (int i = 0; i < kTries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (int j = 0; j < kMultiplications; ++j) {
      product *= 0x9e37'79b9'7f4a'7c15;
      asm volatile("" : "+r"(product));  // one multiplication a round, each waiting for the one before
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    if (took.count() > 0) best = std::max(best, kMultiplications / took.count());
  }
  return best;
}

}  // namespace shadowwalk
