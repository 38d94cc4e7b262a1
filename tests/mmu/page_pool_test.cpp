#include "harness/mmu/page_pool.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "harness/machine/native_machine.hpp"
#include "harness/mmu/shadow_page.hpp"
#include "harness/mmu/spte.hpp"

namespace shadowwalk {
namespace {

struct Node {};
using PoolPage = ShadowPage<Node>;
using MeasuredPool = PagePool<NativeMachine, MeasuredGeometry, PoolPage>;
using SmallPool = PagePool<NativeMachine, VerifiedGeometry, PoolPage>;

template <class Pool>
void check_addresses() {
  Pool pool(8);
  std::set<const void*> tables;
  for (int i = 0; i < 8; ++i) {
    PoolPage* page = pool.allocate();
    ASSERT_NE(page, nullptr);
    EXPECT_NE(page->address, 0u);
    EXPECT_EQ(page->address, spte_address(spte::table(page->address))) << "an address survives in an SPTE";
    EXPECT_EQ(&pool.page(spte::table(page->address)), page);
    tables.insert(pool.slots_of(*page));
  }
  EXPECT_EQ(tables.size(), 8u);
  EXPECT_EQ(pool.allocate(), nullptr) << "past its capacity";
}

TEST(PagePool, AddressesLeadToTablesAndPages) {
  check_addresses<MeasuredPool>();
  check_addresses<SmallPool>();
}

TEST(PagePool, TablesOfASmallGeometryDoNotOverlap) {
  SmallPool pool(4);
  PoolPage* a = pool.allocate();
  PoolPage* b = pool.allocate();
  for (std::size_t i = 0; i < VerifiedGeometry::kEntries; ++i) pool.slots_of(*a)[i].store(1);
  for (std::size_t i = 0; i < VerifiedGeometry::kEntries; ++i) EXPECT_EQ(pool.slots_of(*b)[i].load(), 0u);
}

TEST(PagePool, ReusedTableIsEmpty) {
  MeasuredPool pool(1);
  PoolPage* page = pool.allocate();
  pool.slots_of(*page)[5].store(spte::kPoison);
  pool.release(*page);
  EXPECT_EQ(pool.allocate(), page);
  EXPECT_EQ(pool.slots_of(*page)[5].load(), 0u);
}

// One allocator (it holds mmu_lock), many freers: no page is lost, none is handed out twice.
TEST(PagePool, ReleasesFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  MeasuredPool pool(64);
  std::vector<std::atomic<PoolPage*>> mailbox(kThreads);
  std::atomic<bool> stop{false};
  std::vector<std::thread> freers;
  for (int i = 0; i < kThreads; ++i) {
    freers.emplace_back([&, i] {
      while (true) {
        if (PoolPage* page = mailbox[i].exchange(nullptr)) {
          page->unlink_ticks = 0;  // plain data: ThreadSanitizer checks that reuse comes after release
          pool.release(*page);
        } else if (stop.load()) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  int handed = 0;
  while (handed < kThreads * kRounds) {
    auto& box = mailbox[handed % kThreads];
    if (box.load() != nullptr) {
      std::this_thread::yield();
      continue;
    }
    PoolPage* page = pool.allocate();
    ASSERT_NE(page, nullptr);
    ASSERT_EQ(page->unlink_ticks, 0u) << "handed out twice";
    page->unlink_ticks = 1;
    box.store(page);
    ++handed;
  }
  stop.store(true);
  for (std::thread& thread : freers) thread.join();
  std::set<PoolPage*> all;
  for (int i = 0; i < 64; ++i) all.insert(pool.allocate());
  EXPECT_EQ(all.size(), 64u);
  EXPECT_EQ(all.count(nullptr), 0u);
}

}  // namespace
}  // namespace shadowwalk
