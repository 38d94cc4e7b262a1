// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "variants/contract.hpp"

namespace shadowwalk {

/// When a page was linked and when it was retired, in the eras that commits advance.
struct Lifetime {
  std::uint64_t birth = 0;
  std::uint64_t retired = 0;

  bool contains(std::uint64_t era) const { return birth <= era && era <= retired; }
  bool meets(std::uint64_t first, std::uint64_t last) const { return birth <= last && first <= retired; }
};

/// The freer's part of schemes whose walkers reserve eras (hazard-eras, ibr): pages are stamped, each commit ends an
/// era, and past a threshold the retired pages that no walker has reserved are freed. Everything but era() needs
/// mmu_lock.
template <class Machine>
class EraClock {
 public:
  using Node = Lifetime;
  using Era = typename Machine::template Atomic<std::uint64_t>;

  EraClock(Environment<Machine, Node>& environment, std::size_t most_reserved)
      : environment_(environment), threshold_(Machine::retire_threshold(most_reserved)) {}

  const Era& era() const { return era_; }

  void birth(VariantPage<Node>& page) { page.node.birth = era_.load(std::memory_order_relaxed); }

  /// Stamps and keeps the batch and ends the era. True: it is time to scan.
  bool retire(PageBatch<Node>&& batch) {
    environment_.machine.flush_remote_tlbs();
    Machine::full_fence();  // the unlink, before the era that the pages are retired in: see read() of either scheme
    const std::uint64_t era = era_.load(std::memory_order_relaxed);
    for (VariantPage<Node>* page = &batch.front(); page != nullptr; page = page->next) page->node.retired = era;
    retired_pages_.splice(std::move(batch));
    era_.store(era + 1, std::memory_order_release);
    if (retired_pages_.size() < threshold_) return false;
    Machine::full_fence();  // and both before the reservations are read
    return true;
  }

  template <class IsReserved>
  void scan(IsReserved is_reserved) {
    PageBatch<Node> pages = std::move(retired_pages_);
    while (!pages.empty()) {
      VariantPage<Node>& page = pages.pop_front();
      if (is_reserved(page.node)) {
        retired_pages_.push_back(page);
      } else {
        environment_.free(page);
      }
    }
  }

  void drain() { environment_.free(std::move(retired_pages_)); }

  template <class Name>
  void name_variables(Name name) {
    name(era_, "era");
  }

 private:
  Environment<Machine, Node>& environment_;
  const std::size_t threshold_;
  alignas(64) Era era_{1};
  alignas(64) PageBatch<Node> retired_pages_;
};

}  // namespace shadowwalk
