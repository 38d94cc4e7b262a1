#pragma once

#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/os/file_descriptor.hpp"
#include "harness/trace/event_line.hpp"
#include "harness/trace/importer.hpp"

/// Programs that read and write their own file formats: perf, trace-cmd.
namespace shadowwalk::trace {

/// What a program prints, line by line while it runs. Its stderr is kept for error messages. The destructor kills it.
class ToolOutput final : public LineSource {
 public:
  /// `arguments[0]` is the program's path. Throws InputError if it cannot be started.
  explicit ToolOutput(const std::vector<std::string>& arguments);
  ToolOutput(const ToolOutput&) = delete;
  ToolOutput& operator=(const ToolOutput&) = delete;
  ~ToolOutput() override;

  /// Whether the program closed its output.
  bool ended() const { return ended_; }
  /// Call it once ended() is true. Throws InputError with the last line of the program's stderr if it failed.
  void finish();

 protected:
  std::size_t read(char* into, std::size_t capacity) override;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string name_;
  std::unique_ptr<std::FILE, CloseFile> errors_;
  os::FileDescriptor pipe_;
  pid_t child_ = -1;
  bool ended_ = false;
};

/// How a program that shares our terminal ended.
struct ToolEnd {
  int exit_code = 0;       ///< 128 and the signal's number if one ended it, as shells say
  std::string last_error;  ///< the last line of its stderr
};

/// Runs a program to its end. It shares our stdin and stdout; its stderr is shown and its last line kept. Meanwhile
/// this process ignores SIGINT, so that Ctrl-C ends the program in order and then us. Throws InputError if it cannot be
/// started.
ToolEnd run_tool(const std::vector<std::string>& arguments);

/// The kind of a recording, by its first bytes.
enum class RecordingKind { text, perf_data, trace_dat, trace };

/// Throws InputError if the file cannot be read, is empty or is compressed.
RecordingKind recording_kind(const std::filesystem::path& path);

/// Converts a recording to a trace: the text of `perf script`, `trace-cmd report` or ftrace ("-" is stdin), a
/// perf.data, which `perf script` reads, or a trace.dat, which `trace-cmd report` reads. `source` is stored in the
/// trace. Throws EmptyRecording if none of the events belongs into a trace, InputError for other errors; then nothing
/// is written.
ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options);

}  // namespace shadowwalk::trace
