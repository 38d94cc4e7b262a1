#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "harness/trace/event_codec.hpp"
#include "harness/trace/trace_event.hpp"

struct ZSTD_DCtx_s;

namespace shadowwalk::trace {

/// Bytes of known number that can be read anywhere.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `bytes` from `offset` on; false where the source ends before that. Throws InputError if reading fails.
  virtual bool read(std::uint64_t offset, std::span<std::byte> bytes) const = 0;
};

/// A regular file. Throws InputError "<path>: <reason>" where it cannot be opened or is none.
std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// Bytes that outlive it.
std::unique_ptr<ByteSource> over_memory(std::span<const std::byte> bytes);

/// Whether a wrong checksum is an error. Fuzzers ignore them: no mutation would pass otherwise.
enum class Checksums { verify, ignore };

/// Streams a trace's events in order, in bounded memory (one block), whatever the file's size. For one thread.
///
/// No bytes make it crash. What is wrong is an InputError of one line: "FILE: byte 1234: what is wrong". A file
/// without its end record (truncated, never finished) is refused by the constructor; a block is checked before its
/// first event is given out, and the end record's totals before next() tells the end.
class TraceReader {
 public:
  explicit TraceReader(const std::filesystem::path& path);
  /// `name` stands for the file in errors.
  TraceReader(std::unique_ptr<ByteSource> bytes, std::string name, Checksums checksums = Checksums::verify);
  ~TraceReader();

  /// The totals that the end record promises. No event has been read for it.
  const TraceInfo& info() const { return info_; }
  /// Where the events come from, in words.
  const std::string& source() const { return source_; }
  std::uint64_t file_bytes() const { return bytes_->size(); }
  /// The file, as errors call it.
  const std::string& name() const { return name_; }

  /// The next event; nothing at the end.
  std::optional<TraceEvent> next() {
    if (block_.at_end() && !next_block()) return std::nullopt;
    return decode();
  }

  /// Back to the first event.
  void rewind();

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };

  void open();
  bool next_block();
  TraceEvent decode();
  void read(std::uint64_t offset, std::span<std::byte> into);
  std::span<const std::byte> stored_bytes(std::uint32_t count, std::uint32_t checksum);
  [[noreturn]] void fail(std::uint64_t offset, const std::string& what) const;

  std::unique_ptr<ByteSource> bytes_;
  std::string name_;
  bool check_sums_;
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> decompressor_;
  TraceInfo info_;
  std::string source_;
  std::uint64_t first_block_ = 0;  // of events
  std::uint64_t end_ = 0;          // where the end record begins
  Bytes stored_;
  Bytes raw_;

  std::uint64_t offset_ = 0;  // of the block after the one that is being read
  std::uint64_t block_offset_ = 0;
  BlockDecoder block_;
  std::uint64_t block_events_left_ = 0;
  TraceInfo read_;  // what was given out
};

}  // namespace shadowwalk::trace
