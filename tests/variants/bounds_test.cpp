// A walker stalls in the middle of a walk while thousands of pages come and go: how many stay unreclaimed.
#include <chrono>
#include <thread>

#include "tests/variants/scheme_fixture.hpp"
#include "variants/epochs/ebr.hpp"
#include "variants/optimistic/nbr.hpp"
#include "variants/pointers/hazard.hpp"
#include "variants/pointers/hazard_asym.hpp"
#include "variants/pointers/hazard_eras.hpp"
#include "variants/pointers/hazard_pop.hpp"
#include "variants/pointers/hyaline.hpp"
#include "variants/pointers/ibr.hpp"
#include "variants/pointers/refcount.hpp"

namespace shadowwalk {
namespace {

constexpr std::size_t kLinkedAtATime = 20;
constexpr std::size_t kZaps = 10'000;
constexpr auto kTimeOfZap = std::chrono::microseconds(20);  // 50,000 a second

/// vCPU 0 stalls in a section that has read three of the first pages.
template <template <class> class Variant>
class Stalled : public SchemeFixture<Variant> {
 protected:
  /// `check()` is called after each commit.
  template <class Check>
  void come_and_go(Check check) {
    std::deque<typename SchemeFixture<Variant>::Linked*> tree;
    for (std::size_t i = 0; i < kLinkedAtATime; ++i) tree.push_back(&this->link());
    std::atomic<bool> inside{false};
    std::atomic<bool> leave{false};
    std::thread stalled([&] {
      this->vcpu(0).bind("vcpu-0");
      {
        typename SchemeFixture<Variant>::Walker walker(this->variant, this->vcpu(0));
        walker.begin();
        for (int level = 4; level > 1; --level) walker.read(tree[static_cast<std::size_t>(level)]->slot, level);
        inside = true;
        while (!leave) std::this_thread::yield();
        walker.end();
        walker.offline();
      }
      this->vcpu(0).unbind();
    });
    while (!inside) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < kZaps; ++i) {
      std::this_thread::sleep_until(start + i * kTimeOfZap);
      // One page, and now and then several, so that batches differ.
      auto* const first = tree.front();
      tree.pop_front();
      if (i % 16 == 0) {
        auto* const second = tree.front();
        tree.pop_front();
        this->zap({first, second});
        tree.push_back(&this->link());
      } else {
        this->zap({first});
      }
      tree.push_back(&this->link());
      check();
    }
    leave = true;
    stalled.join();
    this->variant.drain();
    EXPECT_EQ(this->unreclaimed(), 0u);
  }

  void expect_bounded() {
    std::size_t peak = 0;
    come_and_go([&] {
      peak = std::max(peak, this->unreclaimed());
      ASSERT_TRUE(this->bound());
      ASSERT_LE(this->unreclaimed(), *this->bound());
    });
    EXPECT_LT(peak, kZaps / 4) << "a bound that says nothing";
  }
};

class StalledHazard : public Stalled<Hazard> {};
class StalledHazardAsym : public Stalled<HazardAsym> {};
class StalledHazardEras : public Stalled<HazardEras> {};
class StalledIbr : public Stalled<Ibr> {};
class StalledHyaline : public Stalled<Hyaline> {};
class StalledRefCount : public Stalled<RefCount> {};
class StalledHazardPop : public Stalled<HazardPop> {};
class StalledNbr : public Stalled<Nbr> {};
class StalledEbr : public Stalled<Ebr> {};

TEST_F(StalledHazard, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledHazardAsym, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledHazardEras, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledIbr, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledHyaline, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledRefCount, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledHazardPop, KeepsFewPages) { expect_bounded(); }
TEST_F(StalledNbr, KeepsFewPages) { expect_bounded(); }

TEST_F(StalledEbr, KeepsEverything) {
  std::size_t peak = 0;
  come_and_go([&] { peak = std::max(peak, unreclaimed()); });
  EXPECT_EQ(peak, committed) << "what the others are bounded against";
  EXPECT_FALSE(bound());
}

}  // namespace
}  // namespace shadowwalk
