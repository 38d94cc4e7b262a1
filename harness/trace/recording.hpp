#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/trace/importer.hpp"

/// Programs that read and write their own file formats: perf, trace-cmd.
namespace shadowwalk::trace {

/// Our environment, except for variables that would change what perf records and prints; NAME=VALUE each.
std::vector<std::string> plain_environment();

/// Converts a recording to a trace: the text of `perf script`, `trace-cmd report` or ftrace ("-" is stdin), a
/// perf.data or a directory of `perf record --threads`, which `perf script` reads, or a trace.dat, which `trace-cmd
/// report` reads. `source` is stored in the trace. Throws EmptyRecording if none of the events belongs into a trace,
/// InputError for other errors; then nothing is written.
ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options);

}  // namespace shadowwalk::trace
