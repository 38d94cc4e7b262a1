#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/os/file_descriptor.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/trace_event.hpp"

struct ZSTD_DCtx_s;

namespace shadowwalk::trace {

/// Whether a wrong checksum is an error. Fuzzers ignore them: no mutation would pass otherwise.
enum class Checksums { verify, ignore };

/// Streams a trace's events in order, in bounded memory (one block), whatever the file's size. For one thread.
///
/// No input makes it crash: errors are InputErrors of one line, "FILE: byte 1234: what is wrong". The constructor
/// refuses a file without its end record (truncated, never finished); each block is checked before its first event is
/// returned, and the end record's totals before next() reports the end.
class TraceReader {
 public:
  explicit TraceReader(const std::filesystem::path& path);
  /// `name`: the file's name in errors.
  TraceReader(os::FileDescriptor file, std::string name, Checksums checksums = Checksums::verify);
  ~TraceReader();

  /// The totals from the end record; no events are read for them.
  const TraceInfo& info() const { return info_; }
  /// A description of where the events come from.
  const std::string& source() const { return source_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  /// The file's name in errors.
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
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  BlockHeader read_block_header(std::string_view which) const;
  std::span<const std::byte> stored_bytes(std::uint32_t count, std::uint32_t checksum);
  [[noreturn]] void fail(std::uint64_t offset, const std::string& what) const;

  os::FileDescriptor file_;
  std::string name_;
  bool check_sums_;
  std::unique_ptr<ZSTD_DCtx_s, FreeContext> decompressor_;
  std::uint64_t file_bytes_ = 0;
  TraceInfo info_;
  std::string source_;
  std::uint64_t first_block_ = 0;  // of events
  std::uint64_t end_ = 0;          // where the end record begins
  Bytes stored_;
  Bytes raw_;

  std::uint64_t offset_ = 0;  // of the block after the current one
  std::uint64_t block_offset_ = 0;
  BlockDecoder block_;
  std::uint64_t block_events_left_ = 0;
  TraceInfo read_;  // the events returned so far
};

}  // namespace shadowwalk::trace
