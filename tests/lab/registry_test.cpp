#include "harness/lab/registry.hpp"

#include <gmock/gmock.h>

#include "harness/machine/error.hpp"
#include "harness/verify/explore.hpp"

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
                           "srcu-kernel",
                           "srcu-kernel-fast",
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

TEST(Registry, KnowsWhatOnlyAKernelCanHave) {
  const VariantEntry& srcu = Registry::instance().at("srcu-kernel");
  EXPECT_TRUE(srcu.info.kernel_only);
  EXPECT_FALSE(srcu.is_reference());
  EXPECT_EQ(srcu.make_engine, nullptr);
  EXPECT_EQ(why_unavailable(srcu.info), "needs call_srcu() of Linux: give --machine kernel or kernel-vm");
}

TEST(Registry, RefusesANameTwice) {
  Registry registry;
  registry.add(*Registry::instance().find("leak"));
  EXPECT_THROW(registry.add(*Registry::instance().find("leak")), InputError);
  EXPECT_EQ(registry.entries().size(), 1u);
}

std::unique_ptr<verify::AnySystem> make_no_system(const verify::VerifyConfig&, simulation::Execution&) {
  return nullptr;
}

TEST(Registry, AVariantGainsWhatAnotherRoomCanDoWithIt) {
  Registry registry;
  registry.add(*Registry::instance().find("leak"));
  const VariantEntry& leak = registry.at("leak");
  VariantEntry more{.info = leak.info};
  more.make_system = make_no_system;
  registry.add(more);
  EXPECT_EQ(registry.entries().size(), 1u);
  EXPECT_TRUE(leak.can_be_verified());
  EXPECT_FALSE(leak.can_be_projected());
  EXPECT_NE(leak.make_engine, nullptr);
  EXPECT_THROW(registry.add(more), InputError);
}

TEST(Registry, ChoosesByNameAmongThoseThatCan) {
  Registry registry;
  for (const char* name : {"leak", "unsafe", "floor", "rcu"}) registry.add(*Registry::instance().find(name));
  for (const char* name : {"leak", "unsafe", "rcu"}) {
    VariantEntry more{.info = registry.at(name).info};
    more.make_system = make_no_system;
    registry.add(more);
  }
  const auto choose = [&](std::vector<std::string> names) {
    std::vector<std::string_view> chosen;
    for (const VariantEntry* entry : registry.choose("--variants", names, &VariantEntry::can_be_verified)) {
      chosen.push_back(entry->info.name);
    }
    return chosen;
  };
  EXPECT_THAT(choose({"rcu", "unsafe"}), testing::ElementsAre("rcu", "unsafe"));
  EXPECT_THAT(choose({"all"}), testing::ElementsAre("leak", "rcu")) << "those that claim to be safe";
  const auto complaint = [&](const std::string& name) -> std::string {
    try {
      choose({name});
    } catch (const InputError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(complaint("leek"),
            "--variants leek: there is none of that name, did you mean 'leak'? there are all, leak, unsafe, rcu");
  EXPECT_THAT(complaint("floor"), testing::HasSubstr("there is none of that name")) << "it cannot be verified";
}

TEST(Registry, SuggestsTheNearestName) {
  try {
    Registry::instance().at("irq-api");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "unknown variant 'irq-api', did you mean 'irq-ipi'? `shadowwalk list variants` describes each");
  }
}

}  // namespace
}  // namespace shadowwalk
