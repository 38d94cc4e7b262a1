#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "harness/cli/import_summary.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/pmu/tracepoints.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"
#include "harness/os/tool_process.hpp"
#include "harness/trace/recording.hpp"

namespace shadowwalk::cli {
namespace {

struct RecordArguments {
  std::string out = "kvm.swtrace";
  std::string keep;
  std::string buffer = "4M";
  std::vector<std::string> command;
};

/// Where perf writes: the file to keep, or one in the trace's directory, where there is enough space, that has no name.
/// It is gone with the last process that has it open, however these end.
class PerfData {
 public:
  PerfData(const std::filesystem::path& keep, const std::filesystem::path& trace) : path_(keep) {
    if (!keep.empty()) return;
    unnamed_ = os::open_scratch_file(trace.has_parent_path() ? trace.parent_path() : std::filesystem::path("."));
    fcntl(unnamed_.get(), F_SETFD, 0);  // perf inherits it, under this number
    path_ = fmt::format("/proc/self/fd/{}", unnamed_.get());
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  os::FileDescriptor unnamed_;
};

/// Gives the command that perf runs the stderr of this process, while that of perf is kept.
class StderrForCommand {
 public:
  StderrForCommand() : copy_(fcntl(STDERR_FILENO, F_DUPFD, STDERR_FILENO + 1)) {
    constexpr int kMostOfShell = 9;  // POSIX: a redirection may name the descriptors from 0 to 9
    if (!copy_.is_open() || copy_.get() > kMostOfShell) {
      throw InputError("record: no file descriptor from 3 to 9 is free: start it with fewer open files");
    }
  }
  std::vector<std::string> wrap(const std::vector<std::string>& command) const {
    std::vector<std::string> words = {"/bin/sh", "-c", fmt::format("exec \"$@\" 2>&{0} {0}>&-", copy_.get()), "sh"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

 private:
  const os::FileDescriptor copy_;
};

/// Both groups must exist: for a pattern without a match, perf complains about its parser.
void require_tracepoints() {
  for (const char* tracepoint : {"kvm:kvm_userspace_exit", "kvmmmu:kvm_mmu_prepare_zap_page"}) {
    const auto found = pmu::encode_tracepoint(tracepoint, pmu::SystemPaths());
    if (const auto* refusal = std::get_if<pmu::Refusal>(&found)) {
      throw InputError(fmt::format("record: {}: {}", tracepoint, refusal->reason));
    }
  }
}

void require_command(const std::string& program) {
  if (program.find('/') == std::string::npos) {
    if (!os::find_program(program)) throw InputError(fmt::format("record: {}: no such program on PATH", program));
  } else if (access(program.c_str(), X_OK) != 0) {
    throw InputError(fmt::format("record: {}: {}; give a program that can be run", program, std::strerror(errno)));
  }
}

std::string recorded_source(const std::vector<std::string>& command) {
  utsname host{};
  uname(&host);
  return fmt::format("recorded by perf on Linux {} {}: {}", host.release, host.machine, os::shell_line(command));
}

trace::ImportReport import_recorded(const std::filesystem::path& data, const std::filesystem::path& out,
                                    const std::vector<std::string>& command) {
  try {
    return trace::import_recording(data, out, recorded_source(command), trace::ImportOptions());
  } catch (const trace::EmptyRecording&) {
    // Its own message names perf's file, which the user has never seen.
    throw InputError(fmt::format("record: KVM did nothing while `{}` ran: no KVM guest was active on this host",
                                 os::shell_line(command)));
  }
}

/// What lets a user record the whole host; empty if that was not what perf lacked.
std::string permission_advice(const std::string& last_error) {
  const bool names_permission = RE2::PartialMatch(last_error, "(?i)permi|limited|paranoid|access|capabilit");
  if (geteuid() == 0 && !names_permission) return {};
  return "; system-wide tracepoints need root, or kernel.perf_event_paranoid at -1 and a readable tracefs";
}

void record(const RecordArguments& arguments) {
  const std::string perf = os::require_program("perf", "record", "linux-perf");
  require_tracepoints();
  require_command(arguments.command.front());
  if (!RE2::FullMatch(arguments.buffer, "[1-9][0-9]{0,9}[BKMG]?")) {
    throw InputError(fmt::format("record: --buffer is '{}'; it must be a size such as 4M, or a number of pages",
                                 arguments.buffer.substr(0, 60)));
  }
  const std::filesystem::path out = arguments.out;
  os::require_writable(out);
  if (!arguments.keep.empty()) os::require_writable(arguments.keep);
  const StderrForCommand shown;
  const PerfData data(arguments.keep, out);
  std::vector<std::string> perf_record = {perf,
                                          "record",
                                          "-a",
                                          "-e",
                                          "kvm:*",
                                          "-e",
                                          "kvmmmu:*",
                                          "-m",
                                          arguments.buffer,
                                          "-B",
                                          "-N",
                                          "-o",
                                          data.path().string(),
                                          "--"};
  const std::vector<std::string> command = shown.wrap(arguments.command);
  perf_record.insert(perf_record.end(), command.begin(), command.end());
  os::ToolProcess tool(perf, perf_record, {.environment = trace::plain_environment()});
  const int exit_code = tool.wait();
  std::error_code error;
  if (!std::filesystem::exists(data.path(), error) || std::filesystem::file_size(data.path(), error) == 0) {
    throw InputError(fmt::format("record: perf record recorded nothing (exit code {}): {}{}", exit_code,
                                 tool.last_error(), permission_advice(tool.last_error())));
  }
  const trace::ImportReport report = import_recorded(data.path(), out, arguments.command);
  fmt::print("{}: {}{}", out.string(), describe_import(report), describe_totals(report.trace));
  if (exit_code != 0) fmt::print("{} ended with exit code {}\n", arguments.command.front(), exit_code);
}

}  // namespace

void add_record(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("record", "Record as a trace what this host's KVM does while a command runs");
  auto arguments = std::make_shared<RecordArguments>();
  verb->add_option("-o,--out", arguments->out, "The trace")->type_name("TRACE")->capture_default_str();
  verb->add_option("--keep", arguments->keep, "Keep perf's own recording as this file")->type_name("FILE");
  verb->add_option("--buffer", arguments->buffer, "perf's buffer per CPU (perf record -m)")
      ->type_name("SIZE")
      ->capture_default_str();
  verb->add_option("command", arguments->command,
                   "What to run meanwhile: a guest, or `sleep 10` while guests are running")
      ->required()
      ->type_name("COMMAND...");
  verb->positionals_at_end();
  verb->footer(
      "Runs `perf record -a -e 'kvm:*' -e 'kvmmmu:*' -- COMMAND` and imports the recording, which contains all\n"
      "guests of the host; `shadowwalk import --pid` takes one of them from a kept recording. Needs root, perf, "
      "tracefs.\n"
      "However it ends, perf ends with it, and but for the trace and --keep no file is left.\n"
      "  shadowwalk record -o boot.swtrace -- qemu-system-x86_64 -enable-kvm ...");
  verb->callback([arguments] { record(*arguments); });
}

}  // namespace shadowwalk::cli
