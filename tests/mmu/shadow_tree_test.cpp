#include "harness/mmu/shadow_tree.hpp"

#include <functional>
#include <set>
#include <string>

#include "harness/machine/error.hpp"
#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

/// Looks at each batch the way a variant would have to rely on it.
template <class Machine>
class PromiseChecker : public Leak<Machine> {
 public:
  using typename Leak<Machine>::Node;
  explicit PromiseChecker(Environment<Machine, Node>& environment) : Leak<Machine>(environment) {}
  void commit(PageBatch<Node>&& batch) {
    if (on_commit) on_commit(batch);
    Leak<Machine>::commit(std::move(batch));
  }
  std::function<void(const PageBatch<Node>&)> on_commit;
};

class ShadowTreePromise : public MmuFixture<PromiseChecker> {
 protected:
  /// Every page of every batch: its own slots are empty, and no slot anywhere, live or retired, holds it.
  void check_promises() {
    tree.variant().on_commit = [this](const auto& batch) {
      std::set<SpteWord> in_batch;
      for (auto* page = &batch.front(); page != nullptr; page = page->next) {
        in_batch.insert(page->address);
        for (std::size_t i = 0; i < MeasuredGeometry::kEntries; ++i) {
          ASSERT_EQ(tree.pool().slots_of(Tree::page_from(*page))[i].load(), spte::kAbsent);
        }
        ASSERT_TRUE(Tree::page_from(*page).invalid);
      }
      for (const SpteWord address : seen) {
        const auto& page = tree.pool().page(address);
        for (std::size_t i = 0; i < MeasuredGeometry::kEntries; ++i) {
          const SpteWord entry = tree.pool().slots_of(page)[i].load();
          if (page.level > 1 && spte::is_present(entry)) {
            ASSERT_FALSE(in_batch.contains(spte_address(entry)));
          }
        }
      }
      ++batches;
      pages += batch.size();
    };
  }
  void TearDown() override { tree.variant().on_commit = nullptr; }  // the base still zaps, after our members have gone
  void remember_pages() {
    for (auto* page = tree.active().oldest(); page != nullptr; page = page->newer) seen.insert(page->address);
  }

  std::set<SpteWord> seen;
  int batches = 0;
  std::size_t pages = 0;
};

TEST_F(ShadowTreePromise, HoldsForSubtreesAndForEverything) {
  check_promises();
  for (Gfn gfn = 0; gfn < 4096; gfn += 64) access(gfn, LeafKind::ram_write);
  remember_pages();
  EXPECT_EQ(zapper.zap_page(0, 3).pages, 1u + 1u + 8u);
  EXPECT_EQ(batches, 1);
  for (Gfn gfn = 0; gfn < 4096; gfn += 64) access(gfn, LeafKind::ram_write);
  remember_pages();
  zapper.zap_all();
  EXPECT_EQ(batches, 2) << "one commit for everything";
  EXPECT_EQ(pages, 2 * 10u) << "the root is in use, so that it is not in the batch";
  vcpu->reload_root();
  EXPECT_EQ(pages, 2 * 10u + 1) << "its last vCPU retires it";
}

using ShadowTree = MmuFixture<Leak>;

TEST_F(ShadowTree, QuotaFallsAtTheUnlinkNotAtTheFree) {
  access(0, LeafKind::ram_read);
  EXPECT_EQ(tree.used_pages(), 4u);
  zapper.zap_page(0, 1);
  EXPECT_EQ(tree.used_pages(), 3u);
  EXPECT_EQ(tree.footprint().shadow(), 4u) << "leak keeps the memory";
  EXPECT_EQ(tree.footprint().retired(), 1u);
}

TEST_F(ShadowTree, UnlinkedPageGainsNoChild) {
  access(0, LeafKind::ram_read);
  auto& root = *tree.current_root();
  auto& level3 = tree.pool().page(tree.slot_of(root, 0).load());
  zapper.zap_page(0, 3);
  Tree::Guard guard(tree, LockHolder::fault);
  auto& orphan = tree.new_page(2, 0);
  EXPECT_DEATH(tree.link(level3, orphan), "must not gain a child");
  tree.link(tree.new_page(3, 0), orphan);  // so that the fixture's zap-everything finds both
}

TEST_F(ShadowTree, ExhaustedPoolEndsTheCellWithAReason) {
  Tree small(machine, MmuLockKind::ticket, window, 3);
  VcpuMmu<Tree> walker(small, *machine.vcpus()[0], ReadDelay{}, 1);
  try {
    walker.fault(0, LeafKind::ram_read);
    FAIL() << "four pages from a pool of three";
  } catch (const CellError& error) {
    EXPECT_NE(std::string(error.what()).find("exhausted"), std::string::npos);
  }
}

}  // namespace
}  // namespace shadowwalk
