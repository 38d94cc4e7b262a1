#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/trace/importer.hpp"

/// Programs that read and write their own file formats: perf, trace-cmd.
namespace shadowwalk::trace {

/// How a program that shares our terminal ended.
struct ToolEnd {
  int exit_code = 0;       ///< 128 and the signal's number if one ended it, as shells say
  std::string last_error;  ///< the last line of its stderr
};

/// Runs a program to its end. It shares our stdin and stdout; its stderr is shown and its last line kept. Meanwhile
/// this process ignores SIGINT, so that Ctrl-C ends the program in order and then us. Throws InputError if it cannot be
/// started.
ToolEnd run_tool(const std::vector<std::string>& arguments);

/// Converts a recording to a trace: the text of `perf script`, `trace-cmd report` or ftrace ("-" is stdin), a
/// perf.data or a directory of `perf record --threads`, which `perf script` reads, or a trace.dat, which `trace-cmd
/// report` reads. `source` is stored in the trace. Throws EmptyRecording if none of the events belongs into a trace,
/// InputError for other errors; then nothing is written.
ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options);

}  // namespace shadowwalk::trace
