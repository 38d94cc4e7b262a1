#include "harness/trace/file_format.hpp"

#include <gmock/gmock.h>

#include <string_view>
#include <vector>

#include "tests/trace/trace_fixture.hpp"

namespace shadowwalk::trace {
namespace {

TEST(Wire, VarintsComeBack) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128},
                                    std::uint64_t{1} << 52, UINT64_MAX - 1, UINT64_MAX}) {
    Bytes bytes;
    put_varint(bytes, value);
    ByteCursor cursor(bytes);
    EXPECT_EQ(cursor.varint(), value);
    EXPECT_TRUE(cursor.ok() && cursor.at_end());
  }
}

TEST(Wire, ASmallVarintIsOneByteAndTheGreatestTen) {
  Bytes bytes;
  put_varint(bytes, 127);
  EXPECT_EQ(bytes.size(), 1u);
  put_varint(bytes, UINT64_MAX);
  EXPECT_EQ(bytes.size(), 11u);
}

TEST(Wire, AVarintOfMoreThan64BitsIsRefused) {
  Bytes bytes(9, std::byte{0xff});
  bytes.push_back(std::byte{0x02});
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.varint(), 0u);
  EXPECT_FALSE(cursor.ok());
}

TEST(Wire, AVarintThatIsCutOffIsRefused) {
  const Bytes bytes(3, std::byte{0x80});
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.varint(), 0u);
  EXPECT_FALSE(cursor.ok());
  EXPECT_EQ(cursor.byte(), 0u);
}

TEST(Wire, ZigzagComesBack) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(unzigzag(zigzag(value)), value);
  }
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
}

TEST(Wire, TheChecksumIsCrc32c) {
  constexpr std::string_view kCheck = "123456789";  // the catalogue's check value
  EXPECT_EQ(crc32c(std::as_bytes(std::span(kCheck))), 0xe3069283u);
}

TEST(Wire, IntegersAreLittleEndian) {
  Bytes bytes;
  put_little_endian(bytes, 0x0102030405060708u);
  EXPECT_EQ(bytes.front(), std::byte{8});
  EXPECT_EQ(get_little_endian<std::uint64_t>(bytes.data()), 0x0102030405060708u);
}

using ::testing::HasSubstr;

/// The error of the last event of a block; "" if there is none.
std::string error_of(const Bytes& block) {
  BlockDecoder decoder(block);
  for (TraceEvent event; !decoder.at_end();) {
    if (!decoder.next(event)) return decoder.error();
  }
  return "";
}

/// One event as bytes: what its first byte says, then varints.
Bytes raw(unsigned first, std::initializer_list<std::uint64_t> varints) {
  Bytes block{static_cast<std::byte>(first)};
  for (const std::uint64_t value : varints) put_varint(block, value);
  return block;
}

TEST(EventCodec, WhatIsEncodedComesBack) {
  const std::vector<TraceEvent> events = all_kinds_and_extremes();
  Bytes block;
  EventContext context;
  for (const TraceEvent& event : events) {
    const std::size_t before = block.size();
    encode_event(event, context, block);
    EXPECT_LE(block.size() - before, kMaxEventBytes);
  }
  BlockDecoder decoder(block);
  for (const TraceEvent& expected : events) {
    TraceEvent event;
    ASSERT_TRUE(decoder.next(event)) << decoder.error();
    EXPECT_EQ(event, expected);
  }
  EXPECT_TRUE(decoder.at_end());
}

TEST(EventCodec, AnEventLikeTheLastIsTwoBytes) {
  Bytes block;
  EventContext context;
  encode_event({0, 1, TraceKind::mmio_fault, 0xfee00, 1}, context, block);
  const std::size_t before = block.size();
  encode_event({100, 1, TraceKind::mmio_fault, 0xfee00, 1}, context, block);
  EXPECT_EQ(block.size() - before, 2u);
}

TEST(EventCodec, AWellFormedBlockIsTaken) { EXPECT_EQ(error_of(raw(1, {5, 1, 1, 2})), ""); }

TEST(EventCodec, WhatNoTraceMayHoldIsRefused) {
  EXPECT_THAT(error_of(raw(0, {5, 1, 1, 2})), HasSubstr("no kind 0"));
  EXPECT_THAT(error_of(raw(kMaxTraceKind + 1, {5, 1, 1, 2})), HasSubstr("no kind 18"));
  EXPECT_THAT(error_of(raw(1, {5, kMaxTraceVcpus + 1, 1, 2})), HasSubstr("vCPU 65536"));
  EXPECT_THAT(error_of(raw(1, {5, UINT64_MAX, 1, 2})), HasSubstr("vCPU"));
  EXPECT_THAT(error_of(raw(1, {5, 1, kTraceGfnLimit + 1, 2})), HasSubstr("pages"));
  EXPECT_THAT(error_of(raw(1, {5, 1, 1, zigzag(-1)})), HasSubstr("gfn"));
}

TEST(EventCodec, ATimeBeyond64BitsIsRefused) {
  Bytes block = raw(1, {UINT64_MAX, 1, 1, 2});
  EXPECT_EQ(error_of(block), "");
  const Bytes next = raw(1, {1, 1, 1, 2});
  block.insert(block.end(), next.begin(), next.end());
  EXPECT_THAT(error_of(block), HasSubstr("2^64"));
}

TEST(EventCodec, AnEventThatIsCutOffIsRefused) {
  const Bytes whole = raw(1, {500, 1, 1, 200});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(error_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
              "it ends within an event");
  }
}

}  // namespace

}  // namespace shadowwalk::trace
