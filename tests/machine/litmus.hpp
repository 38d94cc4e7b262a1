#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "harness/machine/backoff.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk::test {

/// Runs side(0) and side(1) on threads of their own, on a CPU each where there are two: two threads that the scheduler
/// puts on one CPU never meet in a store buffer.
template <class SideBody>
void run_sides(SideBody side) {
  const Placement placement = Placement::parse("auto");
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      pin_this_thread(placement.cpu_of(i).value());
      side(i);
    });
  }
}

/// Two threads that run rounds together. `side` is 0 or 1, one thread each.
class Rendezvous {
 public:
  /// Meets, then lets one side or the other run ahead by up to some 100 ns, at random: without it the one that arrives
  /// last would always be first.
  void start(unsigned side) {
    meet(side);
    for (std::uint32_t delay = sides_[side].random() % 512; delay != 0; --delay) signal_fence();
  }

  void meet(unsigned side) {
    const std::uint64_t round = sides_[side].arrived.load(std::memory_order_relaxed) + 1;
    sides_[side].arrived.store(round, std::memory_order_release);
    Backoff backoff;
    while (sides_[1 - side].arrived.load(std::memory_order_acquire) < round) backoff.wait();
  }

 private:
  struct alignas(64) Side {
    explicit Side(unsigned seed) : random(seed) {}
    std::atomic<std::uint64_t> arrived{0};
    std::minstd_rand random;
  };
  std::array<Side, 2> sides_{Side(1), Side(2)};
};

/// Store buffering: each side stores to its own variable, runs its fence, and loads the other's.
template <class FenceA, class FenceB>
class StoreBuffering {
 public:
  StoreBuffering(FenceA fence_a, FenceB fence_b) : fence_a_(fence_a), fence_b_(fence_b) {}

  /// How often, in `rounds`, both loads missed the other's store: never, if the fences hold.
  std::uint64_t both_missed(std::uint64_t rounds) {
    std::uint64_t missed = 0;
    run_sides([&](unsigned side) {
      for (std::uint64_t round = 1; round <= rounds; ++round) {
        rendezvous_.start(side);
        if (side == 0) {
          x_.value.store(round, std::memory_order_relaxed);
          fence_a_();
          seen_y_ = y_.value.load(std::memory_order_relaxed);
        } else {
          y_.value.store(round, std::memory_order_relaxed);
          fence_b_();
          seen_x_ = x_.value.load(std::memory_order_relaxed);
        }
        rendezvous_.meet(side);
        if (side == 0 && seen_y_ < round && seen_x_ < round) ++missed;
      }
    });
    return missed;
  }

 private:
  struct alignas(64) Word {
    std::atomic<std::uint64_t> value{0};
  };
  FenceA fence_a_;
  FenceB fence_b_;
  Rendezvous rendezvous_;
  Word x_;
  Word y_;
  // Plain: the rendezvous orders them, each on its side's line.
  alignas(64) std::uint64_t seen_x_ = 0;
  alignas(64) std::uint64_t seen_y_ = 0;
};

}  // namespace shadowwalk::test
