#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "harness/os/files.hpp"
#include "harness/trace/event_codec.hpp"
#include "harness/trace/trace_event.hpp"

struct ZSTD_CCtx_s;

namespace shadowwalk::trace {

/// Writes a trace in bounded memory (one block). For one thread. All its errors are InputError and name the file.
class TraceWriter {
 public:
  /// `source` tells a reader where the events come from, in words: host, kernel, command. Cut off at 4 KiB.
  TraceWriter(std::filesystem::path path, std::string_view source);
  /// Without finish() before it, no file is left.
  ~TraceWriter();

  /// The first event's time is 0 and none is before its predecessor; InputError otherwise, as for values out of range.
  void write(const TraceEvent& event);
  /// Writes what is left and the end record, and puts the file in its place. To be called once, at the end.
  void finish();

  /// What was written so far.
  const TraceInfo& info() const { return info_; }

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  void write_block();

  os::AtomicFile file_;
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> compressor_;
  TraceInfo info_;
  EventContext context_;
  Bytes block_;
  std::uint32_t block_events_ = 0;
  Bytes stored_;
};

}  // namespace shadowwalk::trace
