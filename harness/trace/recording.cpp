#include "harness/trace/recording.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/program.hpp"
#include "harness/trace/file_format.hpp"
#include "harness/trace/tool.hpp"
#include "harness/trace/trace_writer.hpp"

namespace shadowwalk::trace {
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

// --ns: microseconds, perf's default, would tear apart what belongs together. --force: also files of another owner.
std::vector<std::string> perf_script(const std::filesystem::path& path) {
  return {os::require_program("perf", fmt::format("{} is a perf.data, and reading it", path.string()), "linux-perf"),
          "script",
          "-i",
          as_argument(path),
          "--force",
          "--ns",
          "--show-lost-events",
          "-F",
          "comm,pid,tid,cpu,time,event,trace"};
}

// -R: fields as they are. Printed in words, libtraceevent's kvm plugin leaves the gfn of zapped pages out. -t: ns.
std::vector<std::string> trace_cmd_report(const std::filesystem::path& path) {
  return {
      os::require_program("trace-cmd", fmt::format("{} is a trace.dat, and reading it", path.string()), "trace-cmd"),
      "report",
      "-R",
      "-t",
      "-i",
      as_argument(path)};
}

}  // namespace

RecordingKind recording_kind(const std::filesystem::path& path) {
  if (path == "-") return RecordingKind::text;
  const os::FileDescriptor file = open_recording(path);
  std::array<char, 16> bytes{};
  const ssize_t count = read(file.get(), bytes.data(), bytes.size());
  if (count < 0) throw InputError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  if (count == 0) throw InputError(fmt::format("{}: the file is empty", path.string()));
  const std::string_view start(bytes.data(), static_cast<std::size_t>(count));
  if (start.starts_with("PERFILE2") || start.starts_with("2ELIFREP")) return RecordingKind::perf_data;
  if (start.starts_with("\x17\x08\x44tracing")) return RecordingKind::trace_dat;
  if (has_file_magic(std::as_bytes(std::span(start)))) return RecordingKind::trace;
  for (const std::string_view magic : {"\x1f\x8b", "\x28\xb5\x2f\xfd",
                                       "\xfd"
                                       "7zXZ",
                                       "BZh"}) {
    if (start.starts_with(magic)) throw InputError(fmt::format("{}: compressed; unpack it first", path.string()));
  }
  return RecordingKind::text;
}

ImportReport import_recording(const std::filesystem::path& recording, const std::filesystem::path& out,
                              const std::string& source, const ImportOptions& options) {
  const RecordingKind kind = recording_kind(recording);
  if (kind == RecordingKind::trace) throw InputError(fmt::format("{}: it is a trace already", recording.string()));
  TraceWriter writer(out, source);
  const auto import_lines = [&](LineSource& lines) {
    return import_text(lines, recording.string(), options, [&](const TraceEvent& event) { writer.write(event); });
  };
  ImportReport report;
  if (kind == RecordingKind::text) {
    const os::FileDescriptor file = open_recording(recording);
    DescriptorLines lines(file.get(), recording.string());
    report = import_lines(lines);
  } else {
    ToolOutput tool(kind == RecordingKind::perf_data ? perf_script(recording) : trace_cmd_report(recording));
    try {
      report = import_lines(tool);
    } catch (const InputError&) {
      if (tool.ended()) tool.finish();  // if the tool failed, that is why
      throw;
    }
    tool.finish();
  }
  if (report.events == 0) {
    throw InputError(fmt::format("{}: of {} events none is a KVM access or zap; record kvm:* and kvmmmu:*",
                                 recording.string(), report.event_lines));
  }
  writer.finish();
  return report;
}

}  // namespace shadowwalk::trace
