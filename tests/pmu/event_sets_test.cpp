#include "harness/measure/pmu/event_sets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {
namespace {

std::vector<Microarchitecture> all_known() {
  std::vector<Microarchitecture> list;
  for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Microarchitecture::arm_neoverse_v2); bit <<= 1) {
    list.push_back(static_cast<Microarchitecture>(bit));
  }
  return list;
}

TEST(EventSets, EachRowIsWellFormedAndSaysWhatItCounts) {
  for (const EventRow& row : event_table()) {
    EXPECT_TRUE(is_event_set(row.set)) << row.event;
    EXPECT_FALSE(is_event_set(row.event)) << "a set within a set";
    EXPECT_EQ(event_list_error(row.event), std::nullopt) << row.event;
    EXPECT_FALSE(row.counts.empty()) << row.event;
    EXPECT_FALSE(row.caveat.empty()) << row.event;
  }
}

TEST(EventSets, EachKnownCpuHasRowsInEachSet) {
  for (const Microarchitecture cpu : all_known()) {
    EXPECT_NE(to_string(cpu), "unknown");
    for (const std::string_view set : event_set_names()) {
      EXPECT_FALSE(event_set(set, cpu).empty()) << set << " on " << to_string(cpu);
    }
  }
}

TEST(EventSets, LabelsOfOneSetDoNotCollide) {
  for (const Microarchitecture cpu : all_known()) {
    for (const std::string_view set : event_set_names()) {
      std::set<std::string> labels;
      for (const EventRow& row : event_set(set, cpu)) {
        EXPECT_TRUE(labels.insert(event_label(row.event)).second) << row.event << " on " << to_string(cpu);
      }
    }
  }
}

TEST(EventSets, ContentionIsNeverGuessedFromGenericEvents) {
  EXPECT_TRUE(event_set("contention", Microarchitecture::unknown).empty());
  EXPECT_FALSE(event_set("default", Microarchitecture::unknown).empty());
}

TEST(EventSets, WithinACcxTheTableSaysThatNothingIsIsolated) {
  for (const Microarchitecture zen : {Microarchitecture::amd_zen2, Microarchitecture::amd_zen3,
                                      Microarchitecture::amd_zen4, Microarchitecture::amd_zen5}) {
    const auto rows = event_set("contention", zen);
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [](const EventRow& row) {
      return row.caveat.find("no event isolates cache-to-cache transfers within one CCX") != std::string_view::npos;
    })) << to_string(zen);
  }
}

}  // namespace
}  // namespace shadowwalk::pmu
