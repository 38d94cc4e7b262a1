#include "variants/kernel/rcu_counter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <mutex>

#include "tests/variants/fake_environment.hpp"

namespace shadowwalk {
namespace {

using Scheme = RcuCounter<NativeMachine>;
using Page = VariantPage<Scheme::Node>;

class RcuCounterTest : public testing::Test {
 protected:
  void commit_both() {
    const std::lock_guard guard(lock);
    PageBatch<Scheme::Node> batch;
    environment.add(pages[0], 0x1000);
    environment.add(pages[1], 0x2000);
    batch.push_back(pages[0]);
    batch.push_back(pages[1]);
    variant.commit(std::move(batch));
  }

  NativeMachine machine{1};
  MmuLock lock;
  FakeEnvironment<Scheme::Node> environment{machine, lock};
  Scheme variant{environment};
  std::array<Page, 2> pages;
};

TEST_F(RcuCounterTest, NoReaderFreesInCommit) {
  commit_both();
  EXPECT_EQ(environment.freed(), 2u);
  EXPECT_EQ(machine.rcu().grace_periods(), 0u) << "the counter saved the grace period";
}

TEST_F(RcuCounterTest, ReaderDelaysTheWholeBatchByOneGracePeriod) {
  {
    Scheme::Walker walker(variant, *machine.vcpus()[0]);
    walker.begin();
    commit_both();
    EXPECT_EQ(environment.freed(), 0u);
    walker.end();
  }
  variant.drain();
  EXPECT_EQ(environment.freed(), 2u);
  EXPECT_EQ(machine.rcu().grace_periods(), 1u) << "one callback for the batch";
}

}  // namespace
}  // namespace shadowwalk
