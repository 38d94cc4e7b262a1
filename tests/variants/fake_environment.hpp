#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "harness/machine/native_machine.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// An MMU of a few pages and slots, so that a test decides every step of a zap.
template <class Node>
class FakeEnvironment : public Environment<NativeMachine, Node> {
 public:
  using Page = VariantPage<Node>;

  using Environment<NativeMachine, Node>::Environment;

  using Environment<NativeMachine, Node>::free;
  void free(Page& page) override {
    const std::lock_guard guard(mutex_);
    if (!freed_.insert(page.address).second) double_free_ = true;
    free_count_.fetch_add(1);
  }
  Page& page_of(SpteWord spte) override { return *pages_.at(spte_address(spte)); }

  void add(Page& page, SpteWord address) {
    page.address = address;
    pages_[address] = &page;
  }
  bool is_freed(const Page& page) { return is_freed(page.address); }
  /// Of the page whose table is there.
  bool is_freed(SpteWord address) {
    const std::lock_guard guard(mutex_);
    return freed_.contains(address);
  }
  std::size_t freed() const { return free_count_.load(); }
  bool double_free() const { return double_free_; }

 private:
  std::mutex mutex_;
  std::map<SpteWord, Page*> pages_;
  std::set<SpteWord> freed_;
  std::atomic<std::size_t> free_count_{0};
  bool double_free_ = false;
};

}  // namespace shadowwalk
