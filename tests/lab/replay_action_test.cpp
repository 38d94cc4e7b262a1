#include "harness/lab/replay_action.hpp"

#include <gtest/gtest.h>

namespace shadowwalk {
namespace {

using trace::TraceKind;
using Kind = ReplayAction::Kind;

ReplayAction of(TraceKind kind, Gfn gfn, std::uint64_t pages) { return replay_action({0, 0, kind, gfn, pages}); }

constexpr std::uint64_t kTwoMiB = 512;
constexpr std::uint64_t kGiB = kTwoMiB * 512;
constexpr std::uint64_t kRoot = kGiB * 512 * 512;

TEST(ReplayAction, PagesOfDirectTablesAreFoundByTheirGfn) {
  EXPECT_EQ(of(TraceKind::zap_page, 1024, kTwoMiB), (ReplayAction{Kind::zap_page, 1, 1024, kTwoMiB}));
  EXPECT_EQ(of(TraceKind::zap_page, 0, kGiB), (ReplayAction{Kind::zap_page, 2, 0, kGiB}));
  EXPECT_EQ(of(TraceKind::zap_page, 0, kGiB - 1).level, 1);
  EXPECT_EQ(of(TraceKind::zap_page, 0, kRoot).level, 4);
  EXPECT_EQ(of(TraceKind::zap_page, 0, kRoot * 512).level, 4) << "of a host with five levels";
  EXPECT_EQ(of(TraceKind::zap_page, 0, 1).level, 1);
}

TEST(ReplayAction, WhatIsNotToldIsTheOldestOrTheNext) {
  EXPECT_EQ(of(TraceKind::zap_table, 77, kTwoMiB), (ReplayAction{.kind = Kind::zap_oldest, .level = 1}));
  EXPECT_EQ(of(TraceKind::zap_table, 77, kGiB).level, 2);
  EXPECT_EQ(of(TraceKind::zap_table, 77, kRoot).level, 3) << "there is one root";
  EXPECT_EQ(of(TraceKind::zap_page, trace::kUnknownGfn, kGiB), (ReplayAction{.kind = Kind::zap_oldest, .level = 2}));
  EXPECT_EQ(of(TraceKind::unmap_hva, 77, 5), (ReplayAction{Kind::zap_next, 1, 0, 5}));
  EXPECT_EQ(of(TraceKind::zap_leaf, trace::kUnknownGfn, 5), (ReplayAction{Kind::zap_next, 1, 0, 5}));
  EXPECT_EQ(of(TraceKind::write_protect, trace::kUnknownGfn, 5), (ReplayAction{Kind::write_protect_next, 1, 0, 5}));
}

TEST(ReplayAction, LeavesAreFoundByTheirGfn) {
  EXPECT_EQ(of(TraceKind::zap_leaf, 77, 5), (ReplayAction{Kind::zap_range, 1, 77, 5}));
  EXPECT_EQ(of(TraceKind::write_protect, 77, 5), (ReplayAction{Kind::write_protect, 1, 77, 5}));
  EXPECT_EQ(of(TraceKind::zap_all, 0, 99).kind, Kind::zap_all);
}

}  // namespace
}  // namespace shadowwalk
