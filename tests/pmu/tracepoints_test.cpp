#include "harness/measure/pmu/tracepoints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Tracepoints, ThoseWithANumberAreListedByName) {
  FakeTree tree;
  tree.write("tracing/events/kvmmmu/kvm_mmu_get_page/id", "7");
  tree.write("tracing/events/kvm/kvm_exit/id", "5");
  tree.write("tracing/events/kvm/kvm_exit/enable", "0");
  tree.write("tracing/events/kvm/kvm1/id", "6");
  tree.write("tracing/events/kvm/enable", "0");
  tree.write("tracing/events/ftrace/print/format", "no number");
  const TracepointList list = tracepoints(tree.paths);
  EXPECT_EQ(list.why_none, "");
  ASSERT_EQ(list.tracepoints.size(), 3u);
  EXPECT_EQ(list.tracepoints[0].name, "kvm:kvm1");
  EXPECT_FALSE(list.tracepoints[0].is_switchable);
  EXPECT_EQ(list.tracepoints[1].name, "kvm:kvm_exit");
  EXPECT_TRUE(list.tracepoints[1].is_switchable);
  EXPECT_EQ(list.tracepoints[2].name, "kvmmmu:kvm_mmu_get_page");
}

TEST(Tracepoints, TheOldPlaceServesToo) {
  FakeTree tree;
  tree.paths.tracefs = {tree.root() / "tracing", tree.root() / "debug"};
  tree.write("debug/events/sched/sched_switch/id", "77");
  ASSERT_EQ(tracepoints(tree.paths).tracepoints.size(), 1u);
}

TEST(Tracepoints, NoneIsExplained) {
  const FakeTree tree;
  const TracepointList list = tracepoints(tree.paths);
  EXPECT_THAT(list.tracepoints, IsEmpty());
  EXPECT_THAT(list.why_none, HasSubstr("mount -t tracefs"));
}

TEST(Tracepoints, AMisspeltOneIsSuggestedFromItsSystem) {
  FakeTree tree;
  tree.write("tracing/events/kvm/kvm_exit/id", "5");
  tree.write("tracing/events/kvm/kvm_entry/id", "6");
  const auto reason = [&](const char* event) { return std::get<Refusal>(encode_tracepoint(event, tree.paths)).reason; };
  EXPECT_THAT(reason("kvm:kvm_exti"), HasSubstr("no such tracepoint, did you mean 'kvm:kvm_exit'?"));
  EXPECT_THAT(reason("kvm:something_else_entirely"), HasSubstr("no such tracepoint;"));
  EXPECT_THAT(reason("nosuch:kvm_exit"), HasSubstr("no such tracepoint;"));
}

}  // namespace
}  // namespace shadowwalk::pmu
