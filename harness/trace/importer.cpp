#include "harness/trace/importer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <unordered_map>

#include "harness/machine/error.hpp"
#include "harness/trace/fault_folder.hpp"
#include "harness/trace/tracepoint_hit.hpp"

namespace shadowwalk::trace {
namespace {

constexpr std::size_t kMaxUnusedNames = 1000;

/// The number of events that the recorder reports as lost in a line that is no event: perf's "PERF_RECORD_LOST lost
/// 12", ftrace's "CPU:2 [LOST 12 EVENTS]", trace-cmd's "CPU:2 [12 EVENTS DROPPED]". 0 in any other line.
std::uint64_t lost_events(std::string_view line) {
  std::size_t at = std::string_view::npos;
  if (line.find("PERF_RECORD_LOST") != std::string_view::npos) {
    at = line.rfind("lost ");
    if (at != std::string_view::npos) at += 5;
  } else if (line.find("EVENTS") != std::string_view::npos && line.starts_with("CPU:")) {
    at = line.find_first_of("0123456789", line.find('[') + 1);
  }
  std::uint64_t count = 0;
  if (at < line.size()) std::from_chars(line.data() + at, line.data() + line.size(), count);
  return count;
}

class Importer {
 public:
  Importer(std::string name, const ImportOptions& options, ReorderWindow::Sink sink)
      : name_(std::move(name)),
        options_(options),
        sink_(std::move(sink)),
        window_(options.reorder_window, [this](const TraceEvent& event) { give_out(event); }) {}

  void add_line(std::string_view line, std::uint64_t number) {
    ++report_.lines;
    const std::optional<EventLine> event = parse_event_line(line);
    if (!event) {
      report_.lost += lost_events(line);
      return;
    }
    ++report_.event_lines;
    if (is_left_out(*event, number)) return;
    TracepointHit hit;
    switch (read_tracepoint(*event, hit)) {
      case Reading::hit:
        add_hit(*event, hit);
        break;
      case Reading::malformed:
        if (report_.malformed++ == 0) {
          report_.first_malformed_line = number;
          report_.first_malformed = event->name;
        }
        break;
      case Reading::unused:
        count_unused(*event);
        break;
    }
  }

  ImportReport finish() {
    window_.flush();
    if (report_.event_lines == 0) {
      throw EmptyRecording(
          fmt::format("{}: none of its {} lines is an event as `perf script` or `trace-cmd report` print "
                      "them",
                      name_, report_.lines));
    }
    report_.late = window_.late();
    report_.latest_by_ns = window_.latest_by();
    return std::move(report_);
  }

 private:
  bool is_left_out(const EventLine& event, std::uint64_t number) {
    if (options_.process == 0) return false;
    if (event.process == 0 && event.thread != 0) {
      throw InputError(
          fmt::format("{}: line {} does not name the process, which --pid needs: print the text with "
                      "`perf script -F comm,pid,tid,cpu,time,event,trace --ns`",
                      name_, number));
    }
    if (event.process == options_.process) return false;
    ++report_.other_processes;
    return true;
  }

  void count_unused(const EventLine& event) {
    std::string name = event.system.empty() ? std::string(event.name) : fmt::format("{}:{}", event.system, event.name);
    const auto found = report_.unused.find(name);
    if (found != report_.unused.end()) {
      ++found->second;
    } else if (report_.unused.size() < kMaxUnusedNames) {
      report_.unused.emplace(std::move(name), 1);
    } else {
      ++report_.unused_more;
    }
  }

  void add_hit(const EventLine& event, const TracepointHit& hit) {
    auto found = vcpus_.find(event.thread);
    if (found == vcpus_.end() && runs_vcpu(hit)) {
      if (vcpus_.size() == kMaxTraceVcpus) {
        throw InputError(
            fmt::format("{}: more than {} threads run vCPUs; --pid picks one process", name_, kMaxTraceVcpus));
      }
      found = vcpus_.try_emplace(event.thread, static_cast<std::uint32_t>(vcpus_.size()), window_).first;
      if (event.process != 0) ++report_.vm_processes[event.process];
    }
    if (found != vcpus_.end()) {
      found->second.add(hit);
    } else if (hit.step == Step::event) {
      window_.add({hit.time_ns, kHostThread, hit.kind, hit.page, hit.pages});
    }
  }

  void give_out(TraceEvent event) {
    if (report_.events++ == 0) first_ns_ = event.time_ns;
    if (event.gfn == kUnknownGfn) ++report_.unknown_gfns;
    event.time_ns -= first_ns_;
    sink_(event);
  }

  std::string name_;
  ImportOptions options_;
  ReorderWindow::Sink sink_;
  ReorderWindow window_;
  ImportReport report_;
  std::unordered_map<std::uint32_t, FaultFolder> vcpus_;  // by thread
  std::uint64_t first_ns_ = 0;
};

}  // namespace

ImportReport import_text(LineSource& lines, const std::string& name, const ImportOptions& options,
                         const ReorderWindow::Sink& sink) {
  Importer importer(name, options, sink);
  while (const auto line = lines.next()) importer.add_line(*line, lines.line_number());
  return importer.finish();
}

}  // namespace shadowwalk::trace
