#include "harness/trace/wire.hpp"

#include <gmock/gmock.h>

#include <string_view>

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

}  // namespace
}  // namespace shadowwalk::trace
