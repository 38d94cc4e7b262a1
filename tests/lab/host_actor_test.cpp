#include "harness/lab/host_actor.hpp"

#include <limits>

#include "tests/mmu/mmu_fixture.hpp"

namespace shadowwalk {
namespace {

constexpr std::uint64_t kWorkingSet = 1024;

template <template <class> class Variant>
class HostActorFixture : public MmuFixture<Variant> {
 protected:
  HostActorFixture() : host(this->tree, this->window, kWorkingSet) {
    this->window.set(0, std::numeric_limits<std::uint64_t>::max());
  }
  void write_pages(Gfn first, Gfn last) {
    for (Gfn gfn = first; gfn < last; ++gfn) this->access(gfn, LeafKind::ram_write);
  }
  HostActor<typename MmuFixture<Variant>::Tree> host;
};

using HostActorTest = HostActorFixture<Unsafe>;

TEST_F(HostActorTest, DirtyLoggingCopiesDirtyPagesInOrderAndCountsRounds) {
  const HostAction action{.kind = HostAction::Kind::write_protect, .pages = 64};
  write_pages(0, 100);
  EXPECT_EQ(host.act(action).leaves, 64u);
  EXPECT_EQ(host.records().host_actions.dirty_rounds, 0u);
  EXPECT_EQ(host.act(action).leaves, 36u) << "the rest, and the round is over";
  EXPECT_EQ(host.records().host_actions.dirty_rounds, 1u);
  EXPECT_EQ(host.records().host_actions.dirty_pages_last_round, 100u);
  write_pages(0, 10);  // by the lockless path: only these are dirty now
  EXPECT_EQ(vcpu->counts().made_writable, 10u);
  EXPECT_EQ(host.act(action).leaves, 10u);
  EXPECT_EQ(host.records().host_actions.dirty_rounds, 2u);
  EXPECT_EQ(host.records().host_actions.dirty_pages_last_round, 10u) << "it converges";
  EXPECT_EQ(host.records().host_actions.leaves_write_protected, 110u);
}

TEST_F(HostActorTest, InvalidationGoesThroughMemoryAndStartsOver) {
  const HostAction action{.kind = HostAction::Kind::invalidate, .pages = 600};
  write_pages(0, kWorkingSet);
  EXPECT_EQ(host.act(action).leaves, 600u);
  EXPECT_EQ(host.act(action).leaves, kWorkingSet - 600);
  EXPECT_TRUE(host.act(action).empty()) << "gone already";
  EXPECT_EQ(host.records().host_actions.leaves_zapped, kWorkingSet);
}

TEST_F(HostActorTest, AShrinkWhoseSchemeFreesAtOnceEndsAtOnce) {
  write_pages(0, kWorkingSet);
  const HostAction action{.kind = HostAction::Kind::shrink, .pages = 2};
  EXPECT_GE(host.act(action).pages, 2u);
  EXPECT_EQ(host.records().host_actions.shrinks, 1u);
  EXPECT_EQ(host.records().host_actions.shrinks_unfinished, 0u);
  EXPECT_EQ(host.records().host_actions.shrink_ns.count(), 1u);
  host.act(action);
  EXPECT_TRUE(host.act(action).empty()) << "nothing is left";
}

using Replayed = ReplayAction::Kind;

TEST_F(HostActorTest, AReplayedRangeIsItsLeavesOnly) {
  write_pages(0, 100);
  EXPECT_EQ(host.act(ReplayAction{Replayed::zap_range, 1, 10, 5}).leaves, 5u);
  EXPECT_EQ(leaf(10), spte::kAbsent);
  EXPECT_NE(leaf(9), spte::kAbsent);
  EXPECT_NE(leaf(15), spte::kAbsent);
  EXPECT_EQ(host.act(ReplayAction{Replayed::write_protect, 1, 20, 3}).leaves, 3u);
  EXPECT_FALSE(spte::is_writable(leaf(22)));
  EXPECT_TRUE(spte::is_writable(leaf(23)));
  EXPECT_EQ(host.act(ReplayAction{Replayed::zap_range, 1, 90, std::uint64_t{1} << 52}).leaves, 10u)
      << "to the window's end";
  EXPECT_EQ(host.records().host_actions.leaves_zapped, 15u);
  EXPECT_EQ(host.records().host_actions.leaves_write_protected, 3u);
}

TEST_F(HostActorTest, TheNextLeavesGoRound) {
  write_pages(0, 10);
  write_pages(600, 610);
  const ReplayAction next{Replayed::zap_next, 1, 0, 8};
  EXPECT_EQ(host.act(next).leaves, 8u);
  EXPECT_EQ(host.act(next).leaves, 8u) << "over the hole between them";
  EXPECT_EQ(host.act(next).leaves, 4u) << "up to the end of memory";
  EXPECT_TRUE(host.act(next).empty());
  write_pages(0, 3);
  EXPECT_EQ(host.act(next).leaves, 3u);
  write_pages(700, 701);
  EXPECT_EQ(host.act(ReplayAction{Replayed::write_protect_next, 1, 0, 8}).leaves, 1u);
  EXPECT_TRUE(host.act(ReplayAction{Replayed::write_protect_next, 1, 0, 8}).empty()) << "it is clean";
}

TEST_F(HostActorTest, AReplayedPageGoesWithItsSubtree) {
  write_pages(0, 1);
  write_pages(512, 513);
  EXPECT_EQ(host.act(ReplayAction{Replayed::zap_page, 1, 512, 512}).pages, 1u);
  EXPECT_NE(leaf(0), spte::kAbsent);
  EXPECT_TRUE(host.act(ReplayAction{Replayed::zap_page, 1, 512, 512}).empty());
  write_pages(512, 513);
  EXPECT_EQ(host.act(ReplayAction{Replayed::zap_page, 2, 0, 512 * 512}).pages, 3u);
  write_pages(0, 1);
  EXPECT_EQ(host.act(ReplayAction{.kind = Replayed::zap_oldest, .level = 3}).pages, 3u);
  write_pages(0, 1);
  EXPECT_EQ(host.act(ReplayAction{Replayed::zap_page, 4, 0, Gfn{1} << 36}).pages, 4u) << "the root, though in use";
  vcpu->reload_root();
  write_pages(0, 1);
  EXPECT_EQ(host.act(ReplayAction{.kind = Replayed::zap_all}).pages, 4u);
  vcpu->reload_root();
}

using LeakHostActorTest = HostActorFixture<Leak>;

TEST_F(LeakHostActorTest, AShrinkThatNeverFreesGivesUp) {
  write_pages(0, 1);
  host.stop_waiting();
  EXPECT_GT(host.act({.kind = HostAction::Kind::shrink, .pages = 1}).pages, 0u);
  EXPECT_EQ(host.records().host_actions.shrinks_unfinished, 1u);
  EXPECT_EQ(host.records().host_actions.shrink_ns.count(), 0u);
}

}  // namespace
}  // namespace shadowwalk
