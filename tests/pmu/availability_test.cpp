#include "harness/measure/pmu/availability.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pmu/fake_kernel.hpp"
#include "tests/pmu/fake_tree.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kAll = [](std::string_view, std::string_view) { return true; };
constexpr auto kTracepoints = [](std::string_view, std::string_view source) { return source == "tracepoint"; };

void add_tracepoints(FakeTree& tree, int count) {
  for (int i = 0; i < count; ++i) {
    tree.write(fmt::format("tracing/events/kvm/kvm_{}/id", i), std::to_string(100 + i));
    tree.write(fmt::format("tracing/events/kvm/kvm_{}/enable", i), "0");
  }
}

TEST(EventCatalogTest, TracepointsThatOpenAlikeAreOpenedOnce) {
  FakeTree tree;
  add_tracepoints(tree, 50);
  FakeKernel kernel(4);
  const EventCatalog catalog = event_catalog(kTracepoints, tree.paths, kernel);
  EXPECT_THAT(catalog.entries, SizeIs(50));
  for (const CatalogEntry& entry : catalog.entries) EXPECT_EQ(entry.unavailable, "") << entry.name;
  EXPECT_EQ(kernel.opens(PERF_TYPE_TRACEPOINT), 1u);
  EXPECT_EQ(kernel.open_files(), 0u);
}

TEST(EventCatalogTest, ARefusalOfTheFirstHoldsForAll) {
  FakeTree tree;
  add_tracepoints(tree, 5);
  tree.write("tracing/events/kvm/kvm_0/id", std::to_string(FakeKernel::kNoSuchEvent));
  FakeKernel kernel(4);
  for (const CatalogEntry& entry : event_catalog(kTracepoints, tree.paths, kernel).entries) {
    EXPECT_THAT(entry.unavailable, HasSubstr("no such event")) << entry.name;
  }
}

TEST(EventCatalogTest, ThoseOfFtraceItselfAreOpenedEach) {
  FakeTree tree;
  add_tracepoints(tree, 5);
  tree.write("tracing/events/ftrace/function/id", "1");
  tree.write("tracing/events/ftrace/print/id", "2");
  FakeKernel kernel(4);
  event_catalog(kTracepoints, tree.paths, kernel);
  EXPECT_EQ(kernel.opens(PERF_TYPE_TRACEPOINT), 3u);
}

TEST(EventCatalogTest, WhatIsNotShownIsNotOpened) {
  FakeTree tree;
  add_tracepoints(tree, 5);
  FakeKernel kernel(4);
  const EventCatalog catalog =
      event_catalog([](std::string_view name, std::string_view) { return name == "kvm:kvm_3"; }, tree.paths, kernel);
  ASSERT_THAT(catalog.entries, SizeIs(1));
  EXPECT_EQ(catalog.entries[0].source, "tracepoint");
  EXPECT_EQ(kernel.opens(PERF_TYPE_TRACEPOINT), 1u);
  EXPECT_EQ(kernel.opens(PERF_TYPE_SOFTWARE) + kernel.opens(PERF_TYPE_HARDWARE), 0u);
}

TEST(EventCatalogTest, WhyThereAreNoTracepoints) {
  FakeTree tree;
  FakeKernel kernel(4);
  EXPECT_THAT(event_catalog(kTracepoints, tree.paths, kernel).entries, IsEmpty());
  EXPECT_THAT(event_catalog(kAll, tree.paths, kernel).why_no_tracepoints, HasSubstr("mount -t tracefs"));
  add_tracepoints(tree, 1);
  EXPECT_EQ(event_catalog(kAll, tree.paths, kernel).why_no_tracepoints, "");
}

}  // namespace
}  // namespace shadowwalk::pmu
