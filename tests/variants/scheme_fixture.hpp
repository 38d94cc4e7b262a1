#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <mutex>

#include "harness/machine/cpu.hpp"
#include "tests/variants/fake_environment.hpp"

namespace shadowwalk {

/// A variant over an MMU of single slots: each page is linked, walked to and zapped by hand.
template <template <class> class Variant, unsigned kVcpus = 2>
class SchemeFixture : public testing::Test {
 public:  // for helpers that are given the fixture
  using Scheme = Variant<NativeMachine>;
  using Page = VariantPage<typename Scheme::Node>;
  using Walker = typename Scheme::Walker;

  struct Linked {
    explicit Linked(Page& page_in) : page(page_in) {}
    Page& page;
    std::atomic<SpteWord> slot{0};
  };

  void SetUp() override {
    if (!Scheme::kInfo.needs_membarrier) return;
    if (const std::string reason = register_membarrier(); !reason.empty()) GTEST_SKIP() << reason;
  }

  NativeMachine::Vcpu& vcpu(unsigned index) { return *machine.vcpus()[index]; }

  /// A new page in a slot of its own.
  Linked& link() {
    Linked& linked = pages.emplace_back(environment.page_at((pages.size() + 1) << 12));
    variant.birth(linked.page);
    linked.slot.store(linked.page.address | kSptePresent, std::memory_order_release);
    ++linked_now;
    most_linked = std::max(most_linked, linked_now);
    return linked;
  }
  /// One commit of all of them.
  void zap(std::initializer_list<Linked*> zapped) {
    const std::lock_guard guard(lock);
    PageBatch<typename Scheme::Node> batch;
    for (Linked* linked : zapped) {
      linked->slot.store(0, std::memory_order_relaxed);
      batch.push_back(linked->page);
    }
    committed += batch.size();
    linked_now -= batch.size();
    largest_batch = std::max(largest_batch, batch.size());
    variant.commit(std::move(batch));
  }
  bool is_freed(const Linked& linked) { return environment.is_freed(linked.page); }
  std::size_t unreclaimed() const { return committed - environment.freed(); }
  std::optional<std::size_t> bound() const {
    return Scheme::kInfo.most_unreclaimed(
        {.vcpus = kVcpus, .levels = 4, .largest_batch = largest_batch, .most_linked = most_linked});
  }

  NativeMachine machine{kVcpus};
  MmuLock lock;
  FakeEnvironment<typename Scheme::Node> environment{machine, lock};
  Scheme variant{environment};
  std::deque<Linked> pages;
  std::size_t linked_now = 0;
  std::size_t most_linked = 0;
  std::size_t committed = 0;
  std::size_t largest_batch = 0;
};

}  // namespace shadowwalk
