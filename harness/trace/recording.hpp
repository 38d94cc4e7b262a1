#pragma once

#include <filesystem>
#include <string>

#include "harness/trace/importer.hpp"

namespace shadowwalk::trace {

/// What a file holds, by its first bytes.
enum class RecordingKind { text, perf_data, trace_dat, trace };

/// Throws InputError if the file cannot be read, is empty or is compressed.
RecordingKind recording_kind(const std::filesystem::path& path);

/// Makes a trace of a recording: the text of `perf script`, `trace-cmd report` or ftrace ("-" is stdin), a perf.data,
/// which `perf script` reads, or a trace.dat, which `trace-cmd report` reads. `source` is put into the trace.
/// Throws InputError; then nothing is written.
ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options);

}  // namespace shadowwalk::trace
