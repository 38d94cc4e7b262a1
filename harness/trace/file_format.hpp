#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "harness/trace/event_codec.hpp"
#include "harness/trace/trace_event.hpp"

/// The parts of a trace file; docs/trace-format.md describes them. All functions are pure.
///
///   file header | block ... | end record
///
/// The end record has a fixed size and ends the file: a file without it is truncated.
namespace shadowwalk::trace {

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
