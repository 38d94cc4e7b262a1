#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/trace/trace_event.hpp"

/// The parts of a trace file; docs/trace-format.md describes them. All functions are pure.
///
///   file header | block ... | end record
///
/// The end record has a fixed size and ends the file: a file without it is truncated.
namespace shadowwalk::trace {

// The smallest parts: little-endian integers, varints, the checksum.

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
std::uint32_t crc32c(std::span<const std::byte> bytes);

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

// The parts of the file.

inline constexpr std::uint32_t kFormatVersion = 1;
/// 0x89: the file is no text. CR LF and LF: a transfer "as text" would change them. 0x1a: stops a DOS `type`.
inline constexpr std::array<std::uint8_t, 8> kFileMagic = {0x89, 'S', 'W', 'T', '\r', '\n', 0x1a, '\n'};
inline constexpr std::array<std::uint8_t, 8> kEndMagic = {0x89, 'E', 'N', 'D', '\r', '\n', 0x1a, '\n'};
inline constexpr std::size_t kFileHeaderBytes = 16;
inline constexpr std::size_t kBlockHeaderBytes = 24;
inline constexpr std::size_t kEndRecordBytes = 8 + 6 * 8 + 32 * 8 + 4;

/// The maximum size of a block before compression.
inline constexpr std::size_t kMaxBlockBytes = 1 << 16;
/// The maximum size after compression: zstd's bound, with a margin.
inline constexpr std::size_t kMaxStoredBytes = kMaxBlockBytes + (1 << 12);

enum class BlockTag : std::uint32_t {
  source = 0x20435253,  ///< "SRC ": where the events come from, UTF-8; the first block, not compressed
  events = 0x53545645,  ///< "EVTS": events, one zstd frame
};

struct BlockHeader {
  BlockTag tag = BlockTag::events;
  std::uint32_t events = 0;
  std::uint32_t raw_bytes = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t checksum = 0;  ///< CRC-32C of the stored bytes
};

void put_file_header(Bytes& out);
void put_block_header(Bytes& out, const BlockHeader& header);
void put_end_record(Bytes& out, const TraceInfo& info);

/// Whether a file begins like a trace of any version.
bool has_file_magic(std::span<const std::byte> bytes);

/// Why a file header is invalid; empty if it is valid.
std::string file_header_error(std::span<const std::byte, kFileHeaderBytes> bytes);

/// The header, or the reason why it is invalid in `error`. `check_sums`: whether a wrong checksum is an error.
std::optional<BlockHeader> get_block_header(std::span<const std::byte, kBlockHeaderBytes> bytes, bool check_sums,
                                            std::string& error);
std::optional<TraceInfo> get_end_record(std::span<const std::byte, kEndRecordBytes> bytes, bool check_sums,
                                        std::string& error);

}  // namespace shadowwalk::trace
