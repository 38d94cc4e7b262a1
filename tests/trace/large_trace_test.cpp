// 10^7 events, and a text of 10^6 lines, in bounded memory: the peak of resident memory hardly grows.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "harness/trace/importer.hpp"
#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::trace {
namespace {

constexpr std::uint64_t kEvents = 10'000'000;
/// The events take 400 MB in memory, their text 100 MB. A sanitizer's own bookkeeping is in this, too.
constexpr std::uint64_t kBoundKilobytes = 48 * 1024;

/// VmHWM, from /proc, in KiB.
std::uint64_t peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6));
  }
  return 0;
}

/// From now on the peak is a new one. False where the kernel does not allow it.
bool reset_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << 5 << std::flush;
  return file.good();
}

TraceEvent event_number(std::uint64_t i) {
  const auto kind = static_cast<TraceKind>(1 + i * 7 % kMaxTraceKind);
  return {i * 1000 + i % 7, i % 5 == 0 ? kHostThread : static_cast<std::uint32_t>(i % 4), kind,
          i * 2654435761 % 1'000'003, 1 + i % 3};
}

TEST(LargeTrace, TenMillionEventsAreWrittenAndReadInBoundedMemory) {
  const ScratchDirectory scratch;
  if (!reset_peak()) GTEST_SKIP() << "/proc/self/clear_refs cannot be written here: no peak to look at";
  const std::uint64_t before = peak_kilobytes();
  TraceWriter writer(scratch / "large", "");
  for (std::uint64_t i = 0; i < kEvents; ++i) writer.write(event_number(i));
  writer.finish();
  TraceReader reader(scratch / "large");
  std::uint64_t count = 0;
  std::uint64_t wrong = 0;
  while (const auto event = reader.next()) wrong += *event != event_number(count++);
  EXPECT_EQ(count, kEvents);
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(peak_kilobytes() - before, kBoundKilobytes);
}

/// Lines of perf script, made as they are asked for, two CPUs' buffers interleaved out of order.
class EndlessLines final : public LineSource {
 public:
  explicit EndlessLines(std::uint64_t lines) : lines_(lines) {}

 protected:
  std::size_t read(char* into, std::size_t capacity) override {
    std::size_t size = 0;
    while (made_ < lines_ && size + 200 < capacity) {
      const std::uint64_t i = made_ ^ 63;  // 64 lines at a time, backwards
      size = static_cast<std::size_t>(
          fmt::format_to_n(into + size, capacity - size,
                           "CPU {0}/KVM 10/{1} [00{0}] {2}.{3:09}: kvm:kvm_page_fault: vcpu {0} rip 0xffffffff81000000 "
                           "address 0x{4:016x} error_code 0x6\n",
                           i % 2, 100 + i % 2, 5 + i / 1'000'000, i % 1'000'000 * 1000, i % 99991 << 12)
              .out -
          into);
      ++made_;
    }
    return size;
  }

 private:
  std::uint64_t lines_;
  std::uint64_t made_ = 0;
};

TEST(LargeTrace, AMillionLinesAreImportedInBoundedMemory) {
  if (!reset_peak()) GTEST_SKIP() << "/proc/self/clear_refs cannot be written here: no peak to look at";
  const std::uint64_t before = peak_kilobytes();
  constexpr std::uint64_t kLines = 1 << 20;
  EndlessLines lines(kLines);
  TraceInfo info;
  const ImportReport report = import_text(lines, "lines", {}, [&](const TraceEvent& event) {
    ASSERT_GE(event.time_ns, info.duration_ns);
    info.count(event);
  });
  EXPECT_EQ(report.late, 0u);
  EXPECT_EQ(info.events, kLines);
  EXPECT_EQ(info.vcpus, 2u);
  EXPECT_EQ(info.of(TraceKind::write_fault), kLines);
  EXPECT_LT(peak_kilobytes() - before, kBoundKilobytes);
}

}  // namespace
}  // namespace shadowwalk::trace
