#include "harness/lab/registry.hpp"

#include <gtest/gtest.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

TEST(Registry, HoldsWhatIsShipped) {
  for (const char* name : {"rcu-counter",
                           "irq-ipi",
                           "irq-ipi-2012",
                           "mode-membarrier",
                           "rcu",
                           "rcu-batch",
                           "rcu-expedited",
                           "srcu",
                           "gus",
                           "qsbr",
                           "ebr",
                           "ebr-amortized",
                           "debra",
                           "hazard",
                           "hazard-asym",
                           "hazard-pop",
                           "hazard-eras",
                           "ibr",
                           "hyaline",
                           "refcount",
                           "optimistic",
                           "nbr",
                           "mutex",
                           "rwlock",
                           "spinlock",
                           "leak",
                           "unsafe",
                           "irq-ipi-nofence",
                           "irq-ipi-early-return",
                           "ebr-nofence",
                           "hazard-novalidate",
                           "floor"}) {
    ASSERT_NE(Registry::instance().find(name), nullptr) << name;
    EXPECT_EQ(Registry::instance().find(name)->info.name, name);
  }
  EXPECT_EQ(Registry::instance().find("irq"), nullptr);
  for (const VariantEntry& entry : Registry::instance().entries()) {
    EXPECT_NE(entry.info.family, Family::other) << entry.info.name;
    const bool is_negative = entry.info.family == Family::negative || entry.info.name == "unsafe";
    EXPECT_EQ(entry.info.safe, !is_negative) << entry.info.name;
  }
}

TEST(Registry, RefusesANameTwice) {
  Registry registry;
  registry.add(*Registry::instance().find("leak"));
  EXPECT_THROW(registry.add(*Registry::instance().find("leak")), InputError);
  EXPECT_EQ(registry.entries().size(), 1u);
}

}  // namespace
}  // namespace shadowwalk
