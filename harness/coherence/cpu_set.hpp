#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "harness/coherence/topology.hpp"

namespace shadowwalk::coherence {

/// Some of a topology's CPUs, and one more.
class CpuSet {
 public:
  void add(unsigned cpu) { words_[cpu / 64] |= std::uint64_t{1} << (cpu % 64); }
  void clear() { words_ = {}; }
  bool has(unsigned cpu) const { return (words_[cpu / 64] >> (cpu % 64) & 1) != 0; }
  bool empty() const {
    std::uint64_t any = 0;
    for (const std::uint64_t word : words_) any |= word;
    return any == 0;
  }
  unsigned size() const {
    unsigned count = 0;
    for (const std::uint64_t word : words_) count += static_cast<unsigned>(std::popcount(word));
    return count;
  }
  bool meets(const CpuSet& other) const {
    std::uint64_t common = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) common |= words_[i] & other.words_[i];
    return common != 0;
  }
  /// Whether it has CPUs that `other` has not.
  bool exceeds(const CpuSet& other) const {
    std::uint64_t beyond = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) beyond |= words_[i] & ~other.words_[i];
    return beyond != 0;
  }

 private:
  std::array<std::uint64_t, Topology::kMostCpus / 64 + 1> words_{};
};

}  // namespace shadowwalk::coherence
