#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "harness/cli/import_summary.hpp"
#include "harness/cli/verbs.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/printable.hpp"
#include "harness/trace/recording.hpp"
#include "harness/trace/trace_reader.hpp"

namespace shadowwalk::cli {
namespace {

using trace::TraceEvent;
using trace::TraceReader;

struct ImportArguments {
  std::string file;
  std::string out;
  std::uint32_t pid = 0;
  std::uint32_t window = 1 << 16;
  std::string note;
  bool info = false;
  bool dump = false;
};

/// perf.data -> perf.swtrace, in the same folder.
std::filesystem::path default_out(const ImportArguments& arguments) {
  std::error_code none;
  if (arguments.file == "-") throw InputError("import: with - (stdin), -o FILE says where the trace goes");
  if (std::filesystem::exists(arguments.file, none) && !std::filesystem::is_regular_file(arguments.file, none) &&
      !std::filesystem::is_directory(arguments.file, none)) {
    throw InputError(
        fmt::format("import: {} is a pipe or a device; -o FILE says where the trace goes", arguments.file));
  }
  std::filesystem::path out = arguments.file;
  return out.replace_extension(".swtrace");
}

std::string as_page(std::uint64_t gfn) { return gfn == trace::kUnknownGfn ? "?" : fmt::format("{:#x}", gfn); }

/// One line per event, for grep and awk.
void dump(const std::string& file) {
  TraceReader reader(file);
  fmt::print("# time_ns vcpu kind gfn pages\n");
  while (const auto event = reader.next()) {
    const std::string vcpu = event->vcpu == trace::kHostThread ? "host" : fmt::format("{}", event->vcpu);
    fmt::print("{} {} {} {} {}\n", event->time_ns, vcpu, trace::kind_name(event->kind), as_page(event->gfn),
               event->pages);
  }
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  for (std::size_t at = 0; at <= text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    shown += (at == 0 ? "" : "\n") + os::printable(line);
    at += line.size() + 1;
  }
  return shown;
}

void print_info(const std::string& file) {
  TraceReader reader(file);
  while (reader.next()) {
  }
  fmt::print("{}: whole: every block was read and its checksum is right\n", file);
  fmt::print(
      "source      {}\nbytes       {}, {:.2f} per event\n{}", printable_lines(reader.source()), reader.file_bytes(),
      static_cast<double>(reader.file_bytes()) / static_cast<double>(std::max<std::uint64_t>(1, reader.info().events)),
      describe_totals(reader.info()));
}

void import_file(const ImportArguments& arguments) {
  if (arguments.dump) return dump(arguments.file);
  if (arguments.info) return print_info(arguments.file);
  const std::filesystem::path out =
      arguments.out.empty() ? default_out(arguments) : std::filesystem::path(arguments.out);
  const std::string source =
      arguments.note.empty()
          ? fmt::format("imported from {}", std::filesystem::path(arguments.file).filename().string())
          : arguments.note;
  const trace::ImportReport report = trace::import_recording(
      arguments.file, out, source, {.process = arguments.pid, .reorder_window = arguments.window});
  fmt::print("{}: {}", out.string(), describe_import(report));
  fmt::print("{}", describe_totals(report.trace));
}

}  // namespace

void add_import(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("import", "Turn a recording of a host's KVM into a compact trace");
  auto arguments = std::make_shared<ImportArguments>();
  verb->add_option("file", arguments->file,
                   "A perf.data, a trace.dat, or text of `perf script`, `trace-cmd report` or ftrace (- is stdin)")
      ->required()
      ->type_name("FILE");
  CLI::Option* out = verb->add_option("-o,--out", arguments->out, "The trace (default: FILE with the suffix .swtrace)")
                         ->type_name("TRACE");
  verb->add_option("--pid", arguments->pid, "Only the events of this process: one VM of several")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);
  verb->add_option("--window", arguments->window, "Events that are held back for sorting by time")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1u << 26));
  verb->add_option("--note", arguments->note, "Text that the trace keeps as its source: host, kernel, command")
      ->type_name("TEXT");
  CLI::Option* info = verb->add_flag("--info", arguments->info,
                                     "FILE is a trace: read all of it; show kinds of events, vCPUs, duration")
                          ->excludes(out);
  verb->add_flag("--dump", arguments->dump, "FILE is a trace: print its events, one per line")
      ->excludes(out)
      ->excludes(info);
  verb->footer(
      "Record with `shadowwalk record`, or on any host, as root:\n"
      "  perf record -a -e 'kvm:*' -e 'kvmmmu:*' -- sleep 10      gives perf.data\n"
      "  perf script --ns -F comm,pid,tid,cpu,time,event,trace    its text\n"
      "  trace-cmd record -e kvm -e kvmmmu sleep 10               gives trace.dat\n"
      "Which tracepoint becomes what, and the file's format: docs/trace-format.md.");
  verb->callback([arguments] { import_file(*arguments); });
}

}  // namespace shadowwalk::cli
