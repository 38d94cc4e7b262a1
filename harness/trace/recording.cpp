#include "harness/trace/recording.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"
#include "harness/os/tool_process.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/line_source.hpp"
#include "harness/trace/trace_writer.hpp"
#include "harness/trace/unread_format.hpp"

namespace shadowwalk::trace {

std::vector<std::string> plain_environment() {
  std::vector<std::string> result = {"LC_ALL=C", "PERF_CONFIG=/dev/null", "PAGER=cat"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("LC_ALL=") && !text.starts_with("PERF_CONFIG=") && !text.starts_with("PAGER=")) {
      result.emplace_back(text);
    }
  }
  return result;
}

namespace {

/// A descriptor of its own, also of stdin ("-").
os::FileDescriptor open_recording(const std::filesystem::path& path) {
  os::FileDescriptor file(path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) throw InputError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  return file;
}

/// A program's argument that names the file, even one that begins with a dash.
std::string as_argument(const std::filesystem::path& path) {
  return path.is_absolute() ? path.string() : fmt::format("./{}", path.string());
}

// --ns: with microseconds, perf's default, events would lose their order. --force: also files of another owner.
// trace: is for tracepoints; other events may lack a field, which perf would refuse for the whole file.
std::vector<std::string> perf_script(const std::filesystem::path& path) {
  return {os::require_program("perf", fmt::format("{} is a perf.data, and reading it", path.string()), "linux-perf"),
          "script",
          "-i",
          as_argument(path),
          "--force",
          "--ns",
          "--show-lost-events",
          "-F",
          "trace:comm,pid,tid,cpu,time,event,trace"};
}

// -R: raw fields, since libtraceevent's kvm plugin omits the gfn of zapped pages. -t: ns.
std::vector<std::string> trace_cmd_report(const std::filesystem::path& path) {
  return {
      os::require_program("trace-cmd", fmt::format("{} is a trace.dat, and reading it", path.string()), "trace-cmd"),
      "report",
      "-R",
      "-t",
      "-i",
      as_argument(path)};
}

/// The lines of an open file or pipe.
class DescriptorLines : public LineSource {
 public:
  /// `name`: its name in errors. `start`: what was read of it already.
  DescriptorLines(os::FileDescriptor fd, std::string name, std::string start = {})
      : fd_(std::move(fd)), name_(std::move(name)), start_(std::move(start)) {}

 protected:
  std::size_t read(char* into, std::size_t capacity) override {
    if (!start_.empty()) {
      const std::size_t copied = start_.copy(into, capacity);
      start_.erase(0, copied);
      return copied;
    }
    const ssize_t count = TEMP_FAILURE_RETRY(::read(fd_.get(), into, capacity));
    if (count < 0) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
    return static_cast<std::size_t>(count);
  }

  os::FileDescriptor fd_;
  const std::string name_;

 private:
  std::string start_;  // not yet given out
};

/// What a program prints, line by line while it runs. Its stderr is kept for error messages. The destructor kills it.
class ToolLines final : public DescriptorLines {
 public:
  /// `arguments[0]` is the program's path. Throws InputError if it cannot be started.
  explicit ToolLines(const std::vector<std::string>& arguments) : DescriptorLines({}, arguments[0]) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw InputError(fmt::format("cannot start {}: {}", name_, std::strerror(errno)));
    }
    fd_ = os::FileDescriptor(ends[0]);
    const os::FileDescriptor writer(ends[1]);
    child_ = os::start_tool(arguments[0], arguments,
                            {.out = writer.get(),
                             .error = errors_.fd(),
                             .default_signals = true,
                             .death_signal = SIGKILL,
                             .environment = plain_environment()});
  }
  ToolLines(const ToolLines&) = delete;
  ToolLines& operator=(const ToolLines&) = delete;
  ~ToolLines() override {
    if (child_ < 0) return;
    kill(child_, SIGKILL);
    os::wait_for(child_);
  }

  /// Call it once at_end() is true. Throws InputError with the last line of the program's stderr if it failed.
  void finish() {
    const int code = os::wait_for(child_);
    child_ = -1;
    if (code == 0) return;
    throw InputError(fmt::format("{} failed with exit code {}: {}", name_, code, errors_.last_line()));
  }

 private:
  const os::ToolOutput errors_;
  pid_t child_ = -1;
};

enum class RecordingKind { text, perf_data, trace_dat };

/// A recording that is open, and the kind that its first bytes show. It is opened once: a fifo gives its bytes once.
struct OpenRecording {
  RecordingKind kind = RecordingKind::text;
  os::FileDescriptor file;  // not of a directory
  std::string start;        // its first bytes, which were read
};

/// Reads until `text` has `size` bytes or the file ends.
void read_start(int file, const std::string& name, std::string& text, std::size_t size) {
  text.resize(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t count = TEMP_FAILURE_RETRY(::read(file, text.data() + filled, size - filled));
    if (count < 0) throw InputError(fmt::format("{}: {}", name, std::strerror(errno)));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
}

/// Throws InputError if the file cannot be read, is empty, or is of a format that is not read.
OpenRecording open_any(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    // `perf record --threads` writes several files, which `perf script` reads by the name of their directory.
    if (std::filesystem::exists(path / "data", none))
      return {.kind = RecordingKind::perf_data, .file = {}, .start = {}};
    throw InputError(fmt::format("{}: a directory without a recording of `perf record --threads`; name a file", name));
  }
  OpenRecording recording{.kind = RecordingKind::text, .file = open_recording(path), .start = {}};
  read_start(recording.file.get(), name, recording.start, kFormatBytes);
  const std::string_view start = recording.start;
  if (start.empty()) throw InputError(fmt::format("{}: the file is empty", name));
  if (has_file_magic(std::as_bytes(std::span(start)))) throw InputError(fmt::format("{}: it is a trace already", name));
  if (const UnreadFormat format = unread_file_format(start); !format.name.empty()) {
    throw InputError(fmt::format("{}: {}; {}", name, format.name, format.remedy));
  }
  for (const std::string_view magic :
       {"PERFILE2", "2ELIFREP", "PERFFILE", "ELIFFREP"}) {  // either byte order, and the first version
    if (start.starts_with(magic)) recording.kind = RecordingKind::perf_data;
  }
  if (start.starts_with("\x17\x08\x44tracing")) recording.kind = RecordingKind::trace_dat;
  if (recording.kind != RecordingKind::text && !std::filesystem::is_regular_file(path, none)) {
    throw InputError(fmt::format("{}: a {} in a pipe or a device; write it into a file, which {} can read", name,
                                 recording.kind == RecordingKind::perf_data ? "perf.data" : "trace.dat",
                                 recording.kind == RecordingKind::perf_data ? "perf" : "trace-cmd"));
  }
  return recording;
}

}  // namespace

ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options) {
  OpenRecording open = open_any(recording);
  std::error_code not_there;
  if (std::filesystem::equivalent(recording, out, not_there)) {
    throw InputError(
        fmt::format("{}: the trace would replace its own recording; give another name with -o", recording.string()));
  }
  TraceWriter writer(out, source);
  const auto import_lines = [&](LineSource& lines) {
    return import_text(lines, recording.string(), options, [&](const TraceEvent& event) { writer.write(event); });
  };
  ImportReport report;
  if (open.kind == RecordingKind::text) {
    DescriptorLines lines(std::move(open.file), recording.string(), std::move(open.start));
    report = import_lines(lines);
  } else {
    ToolLines tool(open.kind == RecordingKind::perf_data ? perf_script(recording) : trace_cmd_report(recording));
    try {
      report = import_lines(tool);
    } catch (const InputError&) {
      if (tool.at_end()) tool.finish();  // if the tool failed, this is the cause
      throw;
    }
    tool.finish();
  }
  if (report.events == 0) {
    if (report.other_processes + report.no_process != 0) {
      throw EmptyRecording(
          fmt::format("{}: none of its {} events is a KVM access or zap of process {}; --pid is the "
                      "process of the VM's threads, not a thread",
                      recording.string(), report.event_lines, options.process));
    }
    throw EmptyRecording(
        fmt::format("{}: of {} events none is a KVM access or zap; record kvm:* and kvmmmu:* on x86, "
                    "kvm:* on arm64",
                    recording.string(), report.event_lines));
  }
  writer.finish();
  report.trace = writer.info();
  return report;
}

}  // namespace shadowwalk::trace
