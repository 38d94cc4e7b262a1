#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "harness/cli/import_summary.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/pmu/tracepoints.hpp"
#include "harness/os/program.hpp"
#include "harness/trace/recording.hpp"

namespace shadowwalk::cli {
namespace {

struct RecordArguments {
  std::string out = "kvm.swtrace";
  std::string keep;
  std::string buffer = "4M";
  std::vector<std::string> command;
};

/// A file that is removed at the end of its scope.
class ScratchFile {
 public:
  explicit ScratchFile(std::filesystem::path path) : path_(std::move(path)) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
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

void record(const RecordArguments& arguments) {
  const std::string perf = os::require_program("perf", "record", "linux-perf");
  require_tracepoints();
  if (!os::find_program(arguments.command.front()) && arguments.command.front().find('/') == std::string::npos) {
    throw InputError(fmt::format("record: {}: no such program on PATH", arguments.command.front()));
  }
  const std::filesystem::path out = arguments.out;
  // Beside the trace, where there is enough space.
  const ScratchFile scratch(out.parent_path() / fmt::format(".{}.{}.perf.data", out.filename().string(), getpid()));
  const std::filesystem::path data = arguments.keep.empty() ? scratch.path() : std::filesystem::path(arguments.keep);
  std::vector<std::string> perf_record = {perf, "record",         "-a", "-e",          "kvm:*", "-e", "kvmmmu:*",
                                          "-m", arguments.buffer, "-o", data.string(), "--"};
  perf_record.insert(perf_record.end(), arguments.command.begin(), arguments.command.end());
  const trace::ToolEnd end = trace::run_tool(std::move(perf_record));
  std::error_code error;
  if (!std::filesystem::exists(data, error) || std::filesystem::file_size(data, error) == 0) {
    throw InputError(
        fmt::format("record: perf record recorded nothing (exit code {}): {}; system-wide tracepoints need root, "
                    "or kernel.perf_event_paranoid at -1 and a readable tracefs",
                    end.exit_code, end.last_error.empty() ? "it printed nothing" : end.last_error));
  }
  const trace::ImportReport report = import_recorded(data, out, arguments.command);
  fmt::print("{}: {}{}", out.string(), describe_import(report), describe_totals(report.trace));
  if (end.exit_code != 0) fmt::print("{} ended with exit code {}\n", arguments.command.front(), end.exit_code);
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
      "  shadowwalk record -o boot.swtrace -- qemu-system-x86_64 -enable-kvm ...");
  verb->callback([arguments] { record(*arguments); });
}

}  // namespace shadowwalk::cli
