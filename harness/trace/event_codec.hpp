#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/trace/trace_event.hpp"

/// The smallest parts of the trace format: little-endian integers, varints, the checksum. Pure.
namespace shadowwalk::trace {

using Bytes = std::vector<std::byte>;

template <std::unsigned_integral T>
void put_little_endian(Bytes& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>(value >> 8 * i));
}

/// `at` must hold sizeof(T) bytes.
template <std::unsigned_integral T>
T get_little_endian(const std::byte* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(static_cast<T>(at[i]) << 8 * i);
  return value;
}

/// LEB128: seven bits per byte, lowest first, the high bit set in all bytes but the last; at most 10 bytes.
inline void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

/// Reads bytes from the front of a block. After its end, or after a varint of more than 64 bits, all further values are
/// 0 and ok() is false.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  std::uint8_t byte() {
    if (at_ == end_) return fail();
    return static_cast<std::uint8_t>(*at_++);
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at_ != end_; shift += 7) {
      const auto next = static_cast<std::uint8_t>(*at_++);
      if (shift == 63 && next > 1) break;
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    return fail();
  }

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }

 private:
  std::uint8_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }

  const std::byte* at_;
  const std::byte* end_;
  bool ok_ = true;
};

/// Maps small magnitudes of either sign to small numbers: 0, -1, 1, -2 are 0, 1, 2, 3.
constexpr std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

/// CRC-32C (Castagnoli, reflected).
inline std::uint32_t crc32c(std::span<const std::byte> bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff];
  return ~crc;
}

// The events of a block: each is encoded as its difference to earlier events of the same block.

/// Why a trace cannot contain the event: a page number or vCPU out of range, an unknown kind; empty if it can.
std::string event_error(const TraceEvent& event);

/// The maximum size of an encoded event.
inline constexpr std::size_t kMaxEventBytes = 1 + 10 + 3 + 8 + 8;

/// The state that an event is encoded relative to: the earlier events of the block.
struct EventContext {
  std::uint64_t time_ns = 0;
  std::uint32_t vcpu = 0;
  std::array<std::uint64_t, kMaxTraceKind + 1> gfn{};    ///< the last of each kind
  std::array<std::uint64_t, kMaxTraceKind + 1> pages{};  ///< the last of each kind

  void advance(const TraceEvent& event);
};

/// Appends `event`, which must have no event_error() and must not be earlier than `context.time_ns`.
void encode_event(const TraceEvent& event, EventContext& context, Bytes& out);

/// Decodes the events of one block, one at a time. `block` must outlive it.
class BlockDecoder {
 public:
  BlockDecoder() : cursor_({}) {}
  explicit BlockDecoder(std::span<const std::byte> block) : cursor_(block) {}

  bool at_end() const { return cursor_.at_end(); }
  /// True: `event` is the next one. False: the bytes are no event, error() gives the reason, and next() must not be
  /// called again.
  bool next(TraceEvent& event);
  const std::string& error() const { return error_; }

 private:
  ByteCursor cursor_;
  EventContext context_;
  std::string error_;
};

}  // namespace shadowwalk::trace
