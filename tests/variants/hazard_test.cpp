// Hazard pointers, step by step: with the walker's barrier and with the freer's.
#include "variants/pointers/hazard.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "harness/machine/cpu.hpp"
#include "tests/variants/fake_environment.hpp"
#include "variants/pointers/hazard_asym.hpp"

namespace shadowwalk {
namespace {

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

template <class Scheme>
class HazardTest : public testing::Test {
 protected:
  using Batch = PageBatch<typename Scheme::Node>;

  void SetUp() override {
    if (!Scheme::kInfo.needs_membarrier) return;
    if (const std::string reason = register_membarrier(); !reason.empty()) GTEST_SKIP() << reason;
  }
  void retire(std::size_t count) {
    const std::lock_guard guard(lock);
    for (std::size_t i = 0; i < count; ++i) {
      Batch batch;
      batch.push_back(environment.page_at((++retired + 1) << 12));
      variant.commit(std::move(batch));
    }
  }

  NativeMachine machine{1};
  MmuLock lock;
  FakeEnvironment<typename Scheme::Node> environment{machine, lock};
  Scheme variant{environment};
  std::size_t retired = 0;
};

using Schemes = testing::Types<Hazard<NativeMachine>, HazardAsym<NativeMachine>>;
TYPED_TEST_SUITE(HazardTest, Schemes);

TYPED_TEST(HazardTest, FollowsASlotThatChangesUntilItStands) {
  typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
  const SpteWord a = 0x1000 | kSptePresent;
  const SpteWord b = 0x2000 | kSptePresent;
  walker.begin();
  // Loaded a; after publishing a it is b; after publishing b it still is.
  EXPECT_EQ(walker.read(ScriptedSlot({a, b, b}), 2), b);
  EXPECT_EQ(walker.read(ScriptedSlot({a, 0}), 2), 0u) << "cleared meanwhile: absent, not the stale table";
  EXPECT_EQ(walker.read(ScriptedSlot({a, a ^ 0x20}), 2), a ^ 0x20) << "the same table with another accessed bit";
  walker.end();
}

TYPED_TEST(HazardTest, NamedPageOutlivesScansUntilTheSectionEnds) {
  auto& named = this->environment.page_at(0x1000);
  std::atomic<SpteWord> slot{0x1000 | kSptePresent};
  typename TypeParam::Walker walker(this->variant, *this->machine.vcpus()[0]);
  walker.begin();
  walker.read(slot, 2);
  slot = 0;
  {
    const std::lock_guard guard(this->lock);
    typename TestFixture::Batch batch;
    batch.push_back(named);
    this->variant.commit(std::move(batch));
  }
  this->retire(1000);
  EXPECT_FALSE(this->environment.is_freed(named));
  EXPECT_GT(this->environment.freed(), 900u) << "the others are not held up";
  walker.end();
  this->retire(100);
  EXPECT_TRUE(this->environment.is_freed(named));
  this->variant.drain();
}

TYPED_TEST(HazardTest, UnreclaimedPagesStayUnderTheStatedBound) {
  constexpr std::size_t kBound = 64 + TypeParam::kHazards;  // one vCPU: max(64, 2 x 1 x 4) + 1 x 4
  for (int i = 0; i < 500; ++i) {
    this->retire(1);
    ASSERT_LE(this->retired - this->environment.freed(), kBound);
  }
  this->variant.drain();
  EXPECT_EQ(this->environment.freed(), this->retired);
}

}  // namespace
}  // namespace shadowwalk
