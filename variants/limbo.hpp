#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

#include "variants/contract.hpp"

namespace shadowwalk {

/// Batches that wait to be freed, the oldest first, each with the number that must be reached before. For a scheme's
/// commit(), under mmu_lock.
template <class Node>
class Limbo {
 public:
  /// `number`: not less than the previous batch's.
  void push(std::uint64_t number, PageBatch<Node>&& batch) {
    pages_ += batch.size();
    waiting_.push_back({number, std::move(batch)});
  }
  /// The batches that wait for `reached` or less.
  PageBatch<Node> take_up_to(std::uint64_t reached) {
    PageBatch<Node> taken;
    while (!waiting_.empty() && waiting_.front().number <= reached) {
      taken.splice(std::move(waiting_.front().batch));
      waiting_.pop_front();
    }
    pages_ -= taken.size();
    return taken;
  }
  template <class Environment>
  void free_up_to(std::uint64_t reached, Environment& environment) {
    environment.free(take_up_to(reached));
  }
  template <class Environment>
  void free_all(Environment& environment) {
    free_up_to(std::numeric_limits<std::uint64_t>::max(), environment);
  }

  std::size_t pages() const { return pages_; }

 private:
  struct Waiting {
    std::uint64_t number;
    PageBatch<Node> batch;
  };

  std::deque<Waiting> waiting_;
  std::size_t pages_ = 0;
};

}  // namespace shadowwalk
