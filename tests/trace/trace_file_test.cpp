// Traces as files: what is written is what is read, and no bytes are taken for a trace that are none.
#include <gmock/gmock.h>

#include <random>
#include <string>

#include "harness/machine/error.hpp"
#include "harness/trace/file_format.hpp"
#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

/// Reads to the end; the error's text, or "" if there is none.
std::string error_of(std::string_view bytes, Checksums checksums = Checksums::verify) {
  try {
    TraceReader reader = reader_of(bytes, checksums);
    while (reader.next()) {
    }
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

std::vector<TraceEvent> some_events(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<TraceEvent> events;
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto kind = static_cast<TraceKind>(1 + random() % kMaxTraceKind);
    events.push_back({time, static_cast<std::uint32_t>(random() % 4), kind, random() % 4096, 1 + random() % 2});
    time += random() % 10000;
  }
  return events;
}

TEST(TraceFile, EveryKindAndTheExtremesComeBack) {
  const std::vector<TraceEvent> events = all_kinds_and_extremes();
  const std::string bytes = trace_bytes(events, "host, kernel, command");
  TraceReader reader = reader_of(bytes);
  EXPECT_EQ(reader.source(), "host, kernel, command");
  EXPECT_EQ(reader.info().events, events.size());
  EXPECT_EQ(reader.info().duration_ns, UINT64_MAX);
  EXPECT_EQ(reader.info().vcpus, kMaxTraceVcpus);
  EXPECT_EQ(read_all(reader), events);
}

TEST(TraceFile, ManyBlocksComeBackAndAgainAfterARewind) {
  const std::vector<TraceEvent> events = some_events(100'000);
  const std::string bytes = trace_bytes(events);
  ASSERT_GT(bytes.size(), 3 * kMaxBlockBytes);
  TraceReader reader = reader_of(bytes);
  EXPECT_EQ(read_all(reader), events);
  reader.rewind();
  for (int i = 0; i < 10; ++i) reader.next();
  reader.rewind();
  EXPECT_EQ(read_all(reader), events);
}

TEST(TraceFile, ATraceOfNothingIsOne) {
  const std::string bytes = trace_bytes({}, "");
  TraceReader reader = reader_of(bytes);
  EXPECT_EQ(reader.info(), TraceInfo());
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(TraceFile, ReadFromAFileAsFromMemory) {
  const ScratchDirectory scratch;
  const std::vector<TraceEvent> events = some_events(1000);
  TraceWriter writer(scratch / "t.swtrace", "x");
  for (const TraceEvent& event : events) writer.write(event);
  writer.finish();
  TraceReader reader(scratch / "t.swtrace");
  EXPECT_EQ(read_all(reader), events);
  EXPECT_EQ(reader.file_bytes(), std::filesystem::file_size(scratch / "t.swtrace"));
}

TEST(TraceFile, CutOffAnywhereItSaysWhere) {
  const std::string bytes = trace_bytes(all_kinds_and_extremes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(error_of(std::string_view(bytes).substr(0, size)), MatchesRegex("bytes: byte [0-9]+: the .*")) << size;
  }
  EXPECT_EQ(error_of(bytes), "");
}

TEST(TraceFile, AnyFlippedBitIsFound) {
  const std::string bytes = trace_bytes(some_events(40));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << bit);
      EXPECT_THAT(error_of(flipped), MatchesRegex("bytes: byte [0-9]+: [^\n]+")) << at;
    }
  }
}

// What checksums would hide: the decoder must stand on its own feet.
TEST(TraceFile, WithoutChecksumsAFlippedByteIsAnErrorOrOtherEventsButNoCrash) {
  const std::string bytes = trace_bytes(some_events(40));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned char mask : {0x01, 0x80, 0xff}) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      const std::string error = error_of(flipped, Checksums::ignore);
      EXPECT_TRUE(error.empty() || error.starts_with("bytes: byte ")) << error;
    }
  }
}

TEST(TraceFile, SomethingAppendedIsFound) {
  EXPECT_THAT(error_of(trace_bytes(some_events(3)) + "x"), HasSubstr("truncated, or something was appended"));
}

TEST(TraceFile, ABlockThatIsMissingIsFound) {
  std::string bytes = trace_bytes(some_events(3), "");
  bytes.erase(kFileHeaderBytes + kBlockHeaderBytes,
              bytes.size() - kFileHeaderBytes - kBlockHeaderBytes - kEndRecordBytes);
  EXPECT_THAT(error_of(bytes), HasSubstr("totals are not those of the 0 events read"));
}

TEST(TraceFile, ABlockTwiceIsFound) {
  std::string bytes = trace_bytes(some_events(3), "");
  const std::size_t first = kFileHeaderBytes + kBlockHeaderBytes;
  const std::string block = bytes.substr(first, bytes.size() - first - kEndRecordBytes);
  bytes.insert(first, block);
  EXPECT_THAT(error_of(bytes), HasSubstr("before its predecessor"));
}

TEST(TraceFile, AnErrorTellsTheBlocksOffset) {
  std::string bytes = trace_bytes(some_events(100'000), "");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  const std::string error = error_of(bytes);
  ASSERT_THAT(error, StartsWith("bytes: byte "));
  const std::size_t offset = std::stoul(error.substr(12));
  EXPECT_LT(offset, bytes.size() / 2);
  EXPECT_GT(offset, bytes.size() / 2 - kMaxStoredBytes);
}

TEST(TraceFile, AnotherVersionIsNamed) {
  std::string bytes = trace_bytes({});
  bytes[8] = 2;
  Bytes header;
  for (std::size_t i = 0; i < 12; ++i) header.push_back(static_cast<std::byte>(bytes[i]));
  put_little_endian(header, crc32c(header));
  for (std::size_t i = 0; i < header.size(); ++i) bytes[i] = static_cast<char>(header[i]);
  EXPECT_THAT(error_of(bytes), HasSubstr("trace format 2; this shadowwalk reads format 1"));
}

TEST(TraceFile, NoFileNoTraceNoPipe) {
  EXPECT_THROW(TraceReader("/nonexistent/t.swtrace"), InputError);
  EXPECT_THROW(TraceReader("/"), InputError);
  EXPECT_THROW(TraceReader("/dev/zero"), InputError);
  EXPECT_THAT(error_of(std::string(5000, 'x')), HasSubstr("does not begin as a trace"));
}

TEST(TraceFile, TheShippedTraceIsWhole) {
  TraceReader reader(std::filesystem::path(TRACES_DIR) / "churn.swtrace");
  const TraceInfo promised = reader.info();
  TraceInfo found;
  while (const auto event = reader.next()) found.count(*event);
  EXPECT_EQ(found, promised);
  EXPECT_EQ(found.vcpus, 2u);
  for (const TraceKind kind : {TraceKind::write_fault, TraceKind::mmio_fault, TraceKind::pagetable_write,
                               TraceKind::zap_table, TraceKind::zap_page, TraceKind::zap_all, TraceKind::unmap_hva}) {
    EXPECT_GT(found.of(kind), 0u) << kind_name(kind);
  }
}

}  // namespace
}  // namespace shadowwalk::trace
