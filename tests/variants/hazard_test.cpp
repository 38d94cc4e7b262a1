#include "variants/pointers/hazard.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "tests/variants/fake_environment.hpp"

namespace shadowwalk {
namespace {

using Scheme = Hazard<NativeMachine>;
using Page = VariantPage<Scheme::Node>;

/// A slot whose value changes between two loads, as a test says.
class ScriptedSlot {
 public:
  explicit ScriptedSlot(std::deque<SpteWord> values) : values_(std::move(values)) {}
  SpteWord load(std::memory_order) const {
    const SpteWord value = values_.front();
    if (values_.size() > 1) values_.pop_front();
    return value;
  }

 private:
  mutable std::deque<SpteWord> values_;
};

class HazardTest : public testing::Test {
 protected:
  void retire(std::size_t count) {
    const std::lock_guard guard(lock);
    for (std::size_t i = 0; i < count; ++i) {
      pages.emplace_back();
      environment.add(pages.back(), (pages.size() + 1) << 12);
      PageBatch<Scheme::Node> batch;
      batch.push_back(pages.back());
      variant.commit(std::move(batch));
    }
  }

  NativeMachine machine{1};
  MmuLock lock;
  FakeEnvironment<Scheme::Node> environment{machine, lock};
  Scheme variant{environment};
  std::deque<Page> pages;
};

TEST_F(HazardTest, FollowsASlotThatChangesUntilItStands) {
  Scheme::Walker walker(variant, *machine.vcpus()[0]);
  const SpteWord a = 0x1000 | kSptePresent;
  const SpteWord b = 0x2000 | kSptePresent;
  walker.begin();
  // Loaded a; after publishing a it is b; after publishing b it still is.
  EXPECT_EQ(walker.read(ScriptedSlot({a, b, b}), 2), b);
  EXPECT_EQ(walker.read(ScriptedSlot({a, 0}), 2), 0u) << "cleared meanwhile: absent, not the stale table";
  EXPECT_EQ(walker.read(ScriptedSlot({a, a ^ 0x20}), 2), a ^ 0x20) << "the same table with another accessed bit";
  walker.end();
}

TEST_F(HazardTest, NamedPageOutlivesScansUntilTheSectionEnds) {
  pages.emplace_back();
  environment.add(pages.back(), 0x1000);
  std::atomic<SpteWord> slot{0x1000 | kSptePresent};
  Scheme::Walker walker(variant, *machine.vcpus()[0]);
  walker.begin();
  walker.read(slot, 2);
  slot = 0;
  {
    const std::lock_guard guard(lock);
    PageBatch<Scheme::Node> batch;
    batch.push_back(pages.front());
    variant.commit(std::move(batch));
  }
  retire(1000);
  EXPECT_FALSE(environment.is_freed(pages.front()));
  EXPECT_GT(environment.freed(), 900u) << "the others are not held up";
  walker.end();
  retire(100);
  EXPECT_TRUE(environment.is_freed(pages.front()));
  variant.drain();
}

TEST_F(HazardTest, UnreclaimedPagesStayUnderTheStatedBound) {
  constexpr std::size_t kBound = 64 + Scheme::kHazards;  // one vCPU: max(64, 2 x 1 x 4) + 1 x 4
  for (int i = 0; i < 500; ++i) {
    retire(1);
    ASSERT_LE(pages.size() - environment.freed(), kBound);
  }
  variant.drain();
  EXPECT_EQ(environment.freed(), pages.size());
}

}  // namespace
}  // namespace shadowwalk
