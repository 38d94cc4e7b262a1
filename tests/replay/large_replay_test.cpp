// 10^7 events go through a whole cell in bounded memory.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/workload_events.hpp"
#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kEvents = 10'000'000;
/// The events take 400 MB as they are read, the shadow pages of these gfns 1 MB.
constexpr std::uint64_t kBoundKilobytes = 64 * 1024;

/// VmHWM, from /proc, in KiB.
std::uint64_t peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

TEST(LargeReplay, TenMillionEventsInBoundedMemory) {
  const trace::ScratchDirectory scratch;
  trace::TraceWriter writer(scratch / "large", "");
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    const bool zaps = i % 5000 == 4999;
    writer.write({i * 100, zaps ? trace::kHostThread : static_cast<std::uint32_t>(i % 2),
                  zaps ? trace::TraceKind::zap_page : trace::TraceKind::write_fault, i * 2654435761 % 65536,
                  zaps ? 512u : 1u});
  }
  writer.finish();
  const std::uint64_t before = peak_kilobytes();
  ASSERT_NE(before, 0u);

  CellConfig config;
  config.name = "test";
  config.variant = "irq-ipi";
  config.workload = "trace:" + (scratch / "large").string();
  config.guest = GuestKind::trace;
  config.pace = replay::Pace{.closed_loop = true};
  config.warmup = 0ms;
  std::uint64_t passes = 0;
  for (config.duration = 2s; passes == 0 && config.duration < 300s; config.duration *= 2) {
    const CellMeasurement cell = run_cell(prepare_cell(config));
    passes = cell.replay->passes;
    EXPECT_GT(cell.replay->counts.events_total, 0u);
  }
  EXPECT_GE(passes, 1u) << "its end was not reached";
  EXPECT_LT(peak_kilobytes() - before, kBoundKilobytes);
}

}  // namespace
}  // namespace shadowwalk
