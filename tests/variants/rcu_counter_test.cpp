#include "variants/kernel/rcu_counter.hpp"

#include <gtest/gtest.h>

#include <mutex>

#include "tests/variants/fake_environment.hpp"

namespace shadowwalk {
namespace {

using Scheme = RcuCounter<NativeMachine>;

class RcuCounterTest : public testing::Test {
 protected:
  void commit_both() {
    const std::lock_guard guard(lock);
    PageBatch<Scheme::Node> batch;
    batch.push_back(environment.page_at(0x1000));
    batch.push_back(environment.page_at(0x2000));
    variant.commit(std::move(batch));
  }

  NativeMachine machine{1};
  MmuLock lock;
  FakeEnvironment<Scheme::Node> environment{machine, lock};
  Scheme variant{environment};
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
