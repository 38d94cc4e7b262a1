#pragma once

#include <bit>
#include <cstddef>
#include <vector>

#include "harness/coherence/picoseconds.hpp"

namespace shadowwalk::coherence {

/// Whose turn is when: a tournament tree, in which a change costs the logarithm of the CPUs and the earliest nothing.
/// Of two with one time the lower number is first.
class TurnQueue {
 public:
  /// Nobody has a turn. Before any other call.
  void resize(std::size_t cpus) {
    first_leaf_ = std::bit_ceil(cpus);
    when_.assign(first_leaf_, kNever);
    winner_.assign(2 * first_leaf_, 0);
    for (std::size_t i = 0; i < first_leaf_; ++i) winner_[first_leaf_ + i] = static_cast<unsigned>(i);
    for (std::size_t i = first_leaf_ - 1; i > 0; --i) play(i);
  }

  /// kNever: no turn.
  void set(unsigned cpu, Picoseconds when) {
    when_[cpu] = when;
    for (std::size_t i = (first_leaf_ + cpu) / 2; i > 0; i /= 2) play(i);
  }
  unsigned first() const { return winner_[1]; }
  Picoseconds earliest() const { return when_[winner_[1]]; }

 private:
  void play(std::size_t i) {
    const unsigned left = winner_[2 * i];
    const unsigned right = winner_[2 * i + 1];
    winner_[i] = when_[left] <= when_[right] ? left : right;
  }

  std::size_t first_leaf_ = 1;
  std::vector<Picoseconds> when_;
  std::vector<unsigned> winner_{0, 0};
};

}  // namespace shadowwalk::coherence
