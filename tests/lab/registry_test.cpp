#include "harness/lab/registry.hpp"

#include <gtest/gtest.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

TEST(Registry, HoldsWhatIsShipped) {
  for (const char* name : {"rcu-counter", "irq-ipi", "irq-ipi-2012", "hazard", "mutex", "leak", "unsafe", "floor"}) {
    ASSERT_NE(Registry::instance().find(name), nullptr) << name;
    EXPECT_EQ(Registry::instance().find(name)->info.name, name);
  }
  EXPECT_EQ(Registry::instance().find("irq"), nullptr);
  EXPECT_FALSE(Registry::instance().find("unsafe")->info.safe);
}

TEST(Registry, RefusesANameTwice) {
  Registry registry;
  registry.add(*Registry::instance().find("leak"));
  EXPECT_THROW(registry.add(*Registry::instance().find("leak")), InputError);
  EXPECT_EQ(registry.entries().size(), 1u);
}

}  // namespace
}  // namespace shadowwalk
