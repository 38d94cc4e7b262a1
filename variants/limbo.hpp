// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "variants/contract.hpp"

namespace shadowwalk {

/// What a Limbo keeps in each page.
struct LimboNode {
  std::uint64_t number = 0;
};

/// Pages that wait to be freed, the oldest first, each with the number that must be reached before: a chain through the
/// pages themselves, so that commit() allocates nothing. For a scheme's commit(), under mmu_lock.
template <class Node>
class Limbo {
 public:
  /// `number`: not less than the previous batch's.
  void push(std::uint64_t number, PageBatch<Node>&& batch) {
    for (auto* page = &batch.front(); page != nullptr; page = page->next) page->node.number = number;
    waiting_.splice(std::move(batch));
  }
  /// Frees the pages that wait for `reached` or less.
  template <class Environment>
  void free_up_to(std::uint64_t reached, Environment& environment) {
    while (!waiting_.empty() && waiting_.front().node.number <= reached) environment.free(waiting_.pop_front());
  }
  template <class Environment>
  void free_all(Environment& environment) {
    environment.free(std::move(waiting_));
  }

  std::size_t pages() const { return waiting_.size(); }

 private:
  PageBatch<Node> waiting_;
};

}  // namespace shadowwalk
