#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "harness/os/files.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/trace_event.hpp"

struct ZSTD_CCtx_s;

namespace shadowwalk::trace {

/// Writes a trace in bounded memory (one block). For one thread. All its errors are InputError and name the file.
class TraceWriter {
 public:
  /// `source`: a description of where the events come from (host, kernel, command), truncated to 4 KiB.
  TraceWriter(std::filesystem::path path, std::string_view source);
  /// Without a preceding finish(), no file is left.
  ~TraceWriter();

  /// The first event's time must be 0, and no event may be earlier than its predecessor. Throws InputError otherwise,
  /// and for values out of range.
  void write(const TraceEvent& event);
  /// Writes the last block and the end record, and renames the file to its path. Call it once, at the end.
  void finish();

  /// Of the events that were written.
  const TraceInfo& info() const { return info_; }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  void write_block();

  os::OutputFile file_;
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> compressor_;
  TraceInfo info_;
  EventContext context_;
  Bytes block_;
  std::uint32_t block_events_ = 0;
  Bytes stored_;
};

}  // namespace shadowwalk::trace
