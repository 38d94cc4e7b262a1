#include "harness/mmu/watched_variant.hpp"

#include <gmock/gmock.h>

#include <initializer_list>

#include "tests/variants/fake_environment.hpp"
#include "variants/controls/unsafe.hpp"
#include "variants/pointers/hazard.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;

/// Does what its test asks for with the pages that it is given.
template <class Machine>
class Planted : public Unsafe<Machine> {
 public:
  using typename Unsafe<Machine>::Node;
  using Page = VariantPage<Node>;
  static constexpr VariantInfo with_bound(UnreclaimedBound bound) {
    VariantInfo info = Unsafe<Machine>::kInfo;
    info.most_unreclaimed = bound;
    return info;
  }
  static constexpr VariantInfo kInfo =
      with_bound([](const ReclamationLoad& load) { return std::optional(load.largest_batch); });

  explicit Planted(Environment<Machine, Node>& environment) : Unsafe<Machine>(environment), given(environment) {}
  void commit(PageBatch<Node>&& batch) { kept.splice(std::move(batch)); }
  void drain() { given.free(std::move(kept)); }

  Environment<Machine, Node>& given;
  PageBatch<Node> kept;
};

class WatchedVariant : public testing::Test {
 protected:
  using Variant = Watched<Planted, 4>::Of<NativeMachine>;
  using Page = VariantPage<Variant::Node>;

  WatchedVariant() {
    for (std::size_t i = 0; i < 4; ++i) variant.birth(page(i));
  }
  Page& page(std::size_t i) { return environment.page_at((i + 1) << 12); }
  void commit(std::initializer_list<std::size_t> which) {
    PageBatch<Variant::Node> batch;
    for (const std::size_t i : which) batch.push_back(page(i));
    variant.commit(std::move(batch));
  }
  const std::string& complaint() const { return variant.account().first_complaint(); }

  NativeMachine machine{2};
  MmuLock lock;
  FakeEnvironment<Variant::Node> environment{machine, lock};
  Variant variant{environment};
};

TEST_F(WatchedVariant, WithinItsBoundIsNotComplainedOf) {
  commit({0, 1});
  variant.drain();
  commit({2});
  EXPECT_EQ(variant.account().bound(), 2u) << "the largest batch";
  EXPECT_EQ(variant.account().peak(), 2u);
  variant.drain();
  EXPECT_EQ(complaint(), "");
  EXPECT_EQ(environment.freed(), 3u);
}

TEST_F(WatchedVariant, MorePagesThanItsBoundAreComplainedOf) {
  commit({0});
  EXPECT_EQ(complaint(), "");
  commit({1});
  EXPECT_THAT(complaint(), HasSubstr("2 pages are unreclaimed after a commit: it claims 1 at most"));
  variant.drain();
}

TEST_F(WatchedVariant, ADoubleFreeIsComplainedOfAndNotHandedOn) {
  commit({0});
  variant.drain();
  variant.given.free(page(0));
  EXPECT_THAT(complaint(), HasSubstr("double free"));
  EXPECT_FALSE(environment.double_free());
  EXPECT_EQ(environment.freed(), 1u);
}

TEST_F(WatchedVariant, AFreeOfALinkedPageIsComplainedOf) {
  variant.given.free(page(3));
  EXPECT_THAT(complaint(), HasSubstr("never retired"));
  EXPECT_EQ(environment.freed(), 0u);
}

TEST_F(WatchedVariant, APageThatIsRetiredTwiceIsComplainedOf) {
  commit({0});
  variant.kept = {};
  commit({0});
  EXPECT_THAT(complaint(), HasSubstr("twice"));
}

TEST(WatchedHazard, KeepsFewerPagesThanItsThreshold) {
  using Variant = Watched<Hazard, 4>::Of<NativeMachine>;
  NativeMachine machine(1);
  MmuLock lock;
  FakeEnvironment<Variant::Node> environment(machine, lock);
  Variant variant(environment);
  for (std::size_t i = 1; i <= 100; ++i) {
    auto& page = environment.page_at(i << 12);
    variant.birth(page);
    PageBatch<Variant::Node> batch;
    batch.push_back(page);
    variant.commit(std::move(batch));
  }
  EXPECT_EQ(variant.account().peak(), 63u);
  EXPECT_EQ(variant.account().bound(), 63u);
  EXPECT_EQ(variant.account().first_complaint(), "");
  variant.drain();
}

}  // namespace
}  // namespace shadowwalk
