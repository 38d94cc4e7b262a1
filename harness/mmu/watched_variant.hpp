#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "variants/contract.hpp"

namespace shadowwalk {

/// The environment that a watched variant gets: forwards everything, and keeps account of it. As thread-safe as the
/// environment itself.
template <class Machine, class Node>
class WatchedEnvironment final : public Environment<Machine, Node> {
 public:
  using Page = VariantPage<Node>;

  WatchedEnvironment(Environment<Machine, Node>& watched, int levels, UnreclaimedBound claimed)
      : Environment<Machine, Node>(watched.machine, watched.mmu_lock, watched.pages),
        watched_(watched),
        bound_(claimed) {
    load_.vcpus = watched.machine.vcpus().size();
    load_.levels = levels;
  }

  using Environment<Machine, Node>::free;
  void free(Page& page) override {
    {
      const std::lock_guard guard(mutex_);
      if (unreclaimed_.erase(page.address) == 0) {
        return complain("freed a page that it did not hold: a double free, or one that was never retired");
      }
    }
    watched_.free(page);
    // After the page is really free. relaxed: a count; pairs with nothing.
    if (bound_ != nullptr) freed_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Before the variant's own functions, with mmu_lock held as for those.
  void on_birth() { load_.most_linked = std::max(load_.most_linked, ++linked_); }
  void on_commit(const PageBatch<Node>& batch) {
    const std::lock_guard guard(mutex_);
    committed_ += batch.size();
    linked_ -= batch.size();
    load_.largest_batch = std::max(load_.largest_batch, batch.size());
    for (const Page* page = &batch.front(); page != nullptr; page = page->next) {
      if (!unreclaimed_.insert(page->address).second) complain("was given a page twice");
    }
  }
  /// After the variant's own function, with mmu_lock held.
  void on_committed() {
    if (bound_ == nullptr) return;
    const std::optional<std::size_t> most = bound_(load_);
    if (!most) return;
    const std::size_t unreclaimed = committed_ - freed_.load(std::memory_order_relaxed);
    peak_ = std::max(peak_, unreclaimed);
    if (unreclaimed <= *most) return;
    const std::lock_guard guard(mutex_);
    complain(std::to_string(unreclaimed) + " pages are unreclaimed after a commit: it claims " + std::to_string(*most) +
             " at most");
  }

  /// Names its variable for the stories of a simulated machine (simulation::Atomic::set_name).
  void set_names() { freed_.set_name("pages freed"); }
  /// What the variant did wrong first; empty: nothing. Call it when no thread runs.
  const std::string& first_complaint() const { return first_complaint_; }
  /// The most pages that were unreclaimed after a commit, if the scheme claims a bound, and the bound for the load so
  /// far.
  std::size_t peak() const { return peak_; }
  std::optional<std::size_t> bound() const { return bound_ == nullptr ? std::nullopt : bound_(load_); }

 private:
  /// mutex_ held.
  void complain(std::string text) {
    if (first_complaint_.empty()) first_complaint_ = std::move(text);
  }

  Environment<Machine, Node>& watched_;
  const UnreclaimedBound bound_;
  ReclamationLoad load_;  // mmu_lock, as the next three
  std::size_t linked_ = 0;
  std::size_t committed_ = 0;
  std::size_t peak_ = 0;
  /// The machine's own, so that a search over schedules sees that the order of frees and commits can matter.
  typename Machine::template Atomic<std::size_t> freed_{0};
  std::mutex mutex_;
  std::set<SpteWord> unreclaimed_;  // mutex_; addresses
  std::string first_complaint_;     // mutex_
};

/// Constructed before the scheme, so that the scheme can get it.
template <class Machine, class Node>
struct WatchingBase {
  WatchingBase(Environment<Machine, Node>& environment, int levels, UnreclaimedBound claimed)
      : watched(environment, levels, claimed) {}
  WatchedEnvironment<Machine, Node> watched;
};

/// Checks that a variant keeps its contract: it frees each page that commit() got once, frees nothing else, and never
/// has more pages unreclaimed than kInfo.most_unreclaimed allows. As a ShadowTree's variant: Watched<Variant,
/// Geometry::kLevels>::template Of. For verification and stress tests: each page costs a lock.
template <template <class> class Variant, int kLevels>
struct Watched {
  template <class Machine>
  class Of : private WatchingBase<Machine, typename Variant<Machine>::Node>, public Variant<Machine> {
   public:
    using Node = typename Variant<Machine>::Node;

    explicit Of(Environment<Machine, Node>& environment)
        : WatchingBase<Machine, Node>(environment, kLevels, Variant<Machine>::kInfo.most_unreclaimed),
          Variant<Machine>(this->watched) {}

    void birth(VariantPage<Node>& page) {
      this->watched.on_birth();
      Variant<Machine>::birth(page);
    }
    void commit(PageBatch<Node>&& batch) {
      this->watched.on_commit(batch);
      Variant<Machine>::commit(std::move(batch));
      this->watched.on_committed();
    }
    const WatchedEnvironment<Machine, Node>& account() const { return this->watched; }
    WatchedEnvironment<Machine, Node>& account() { return this->watched; }
  };
};

}  // namespace shadowwalk
