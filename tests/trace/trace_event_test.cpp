#include "harness/trace/trace_event.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

namespace shadowwalk::trace {
namespace {

TEST(TraceEvent, EveryKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t kind = 1; kind <= kMaxTraceKind; ++kind) names.insert(kind_name(static_cast<TraceKind>(kind)));
  EXPECT_EQ(names.size(), kMaxTraceKind);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(kind_name(static_cast<TraceKind>(0)), "?");
  EXPECT_EQ(kind_name(static_cast<TraceKind>(kMaxTraceKind + 1)), "?");
}

TEST(TraceEvent, NoKindIsBothAnAccessAndAZap) {
  for (std::size_t kind = 1; kind <= kMaxTraceKind; ++kind) {
    const auto of_kind = static_cast<TraceKind>(kind);
    EXPECT_FALSE(access_of(of_kind) && is_zap(of_kind)) << kind_name(of_kind);
  }
}

TEST(TraceInfo, CountsKindsVcpusAndTheGfnsOfAccesses) {
  TraceInfo info;
  info.count({0, kHostThread, TraceKind::zap_page, 1 << 20, 512});
  info.count({5, 3, TraceKind::write_fault, 0x20, 1});
  info.count({5, 1, TraceKind::mmio_fault, 0x10, 1});
  info.count({9, 0, TraceKind::read_fault, kUnknownGfn, 1});
  EXPECT_EQ(info.events, 4u);
  EXPECT_EQ(info.duration_ns, 9u);
  EXPECT_EQ(info.vcpus, 4u);
  EXPECT_EQ(info.host_events, 1u);
  EXPECT_EQ(info.first_gfn, 0x10u);
  EXPECT_EQ(info.last_gfn, 0x21u);
  EXPECT_EQ(info.of(TraceKind::write_fault), 1u);
}

}  // namespace
}  // namespace shadowwalk::trace
