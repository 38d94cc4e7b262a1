#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>

#include "harness/machine/native_machine.hpp"
#include "variants/contract.hpp"

namespace shadowwalk {

/// What is there before the environment that is given a view of it.
template <class Node>
struct FakePages {
  static constexpr std::size_t kPages = 16'384;
  std::unique_ptr<VariantPage<Node>[]> fake_pages = std::make_unique<VariantPage<Node>[]>(kPages);
};

/// An MMU of pages without tables, so that a test decides every step of a zap.
template <class Node>
class FakeEnvironment : private FakePages<Node>, public Environment<NativeMachine, Node> {
 public:
  using Page = VariantPage<Node>;

  FakeEnvironment(NativeMachine& machine_in, MmuLock& mmu_lock_in)
      : Environment<NativeMachine, Node>(machine_in, mmu_lock_in, {0, this->fake_pages.get(), sizeof(Page)}) {}

  using Environment<NativeMachine, Node>::free;
  void free(Page& page) override {
    const std::lock_guard guard(mutex_);
    if (!freed_.insert(page.address).second) double_free_ = true;
    free_count_.fetch_add(1);
  }

  /// The page whose table is said to be at `address`.
  Page& page_at(SpteWord address) {
    if (address >> 12 >= FakePages<Node>::kPages) throw std::out_of_range("no page has its table there");
    Page& page = this->pages[address];
    page.address = address;
    return page;
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
  std::set<SpteWord> freed_;
  std::atomic<std::size_t> free_count_{0};
  bool double_free_ = false;
};

}  // namespace shadowwalk
