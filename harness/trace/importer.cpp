#include "harness/trace/importer.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "harness/machine/error.hpp"
#include "harness/trace/event_reader.hpp"
#include "harness/trace/fault_folder.hpp"
#include "harness/trace/tracepoint_hit.hpp"
#include "harness/trace/vcpu_threads.hpp"

namespace shadowwalk::trace {
namespace {

constexpr std::size_t kMaxUnusedNames = 1000;
/// So many events without a process, from the first on, say that the text does not name them.
constexpr std::uint64_t kMaxLinesWithoutProcess = 10'000;

class Importer {
 public:
  Importer(std::string name, const ImportOptions& options, ReorderWindow::Sink sink)
      : name_(std::move(name)),
        options_(options),
        sink_(std::move(sink)),
        window_(options.reorder_window, [this](const TraceEvent& event) { give_out(event); }) {}

  void add(const TextEvent& text) {
    ++report_.event_lines;
    const EventLine* event = &text.line;
    TracepointHit hit;
    Reading reading = read_tracepoint(*event, hit);
    if (text.broken_in_words) {
      TracepointHit other;
      if (read_tracepoint(*text.broken_in_words, other) == Reading::hit) {
        if (reading != Reading::hit) {
          event = &*text.broken_in_words;
          reading = Reading::hit;
          hit = other;
        } else {
          if (hit.vcpu_id != other.vcpu_id) hit.vcpu_id = other.vcpu_id = std::nullopt;
          if (!(hit == other)) reading = Reading::malformed;  // it means one of two things
        }
      }
    }
    if (reading != Reading::malformed) require_one_clock(*event, text.line_number);
    if (event->time_ns < std::exchange(previous_ns_, event->time_ns)) ++report_.backwards;
    if (is_left_out(*event, text.line_number)) return;
    switch (reading) {
      case Reading::hit:
        add_hit(*event, hit);
        break;
      case Reading::malformed:
        if (report_.malformed++ == 0) {
          report_.first_malformed_line = text.line_number;
          report_.first_malformed = event->name;
        }
        break;
      case Reading::unused:
        count_unused(*event);
        break;
    }
  }

  ImportReport finish(const EventReader& reader) {
    require_processes();
    window_.flush();
    report_.lines = reader.lines();
    report_.lost = reader.lost();
    report_.uncounted_losses = reader.uncounted_losses();
    report_.first_uncounted_loss = reader.first_uncounted_loss();
    report_.joined_lines = reader.joined_lines();
    report_.cut_lines = reader.cut_lines();
    if (report_.event_lines == 0) {
      const UnreadFormat& format = reader.unread_format();
      throw EmptyRecording(
          fmt::format("{}: none of its {} lines is an event as `perf script` or `trace-cmd report` print them{}", name_,
                      report_.lines,
                      format.name.empty() ? ""
                                          : fmt::format("; line {} is of {}, which is not read: {}",
                                                        reader.unread_line(), format.name, format.remedy)));
    }
    report_.late = window_.late();
    report_.latest_by_ns = window_.latest_by();
    return std::move(report_);
  }

 private:
  void require_one_clock(const EventLine& event, std::uint64_t number) {
    if (!std::exchange(has_clock_, true)) report_.in_ticks = event.in_ticks;
    if (event.in_ticks == report_.in_ticks) return;
    constexpr std::string_view kSeconds = "seconds", kTicks = "ticks of a clock that counts none";
    throw InputError(fmt::format("{}: line {} tells its time in {}, and the lines before it in {}: split the text",
                                 name_, number, event.in_ticks ? kTicks : kSeconds,
                                 event.in_ticks ? kSeconds : kTicks));
  }

  bool is_left_out(const EventLine& event, std::uint64_t number) {
    names_processes_ = names_processes_ || event.has_process;
    if (options_.process == 0 || event.process == options_.process) return false;
    if (event.process != 0 || event.thread == 0) {
      ++report_.other_processes;
      return true;
    }
    if (report_.no_process == 0) first_without_process_ = number;
    ++report_.no_process;
    if (report_.no_process == kMaxLinesWithoutProcess) require_processes();
    return true;
  }

  /// That some line names its process, if one was asked for.
  void require_processes() const {
    if (names_processes_ || report_.no_process == 0) return;
    throw InputError(fmt::format(
        "{}: line {} does not name the process, which --pid needs, and no other does: print the text with "
        "`perf script -F comm,pid,tid,cpu,time,event,trace --ns`, or record with ftrace's option record-tgid",
        name_, first_without_process_));
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
    if (hit.had_shared_bit) ++report_.shared_bits;
    if (FaultFolder* folder = vcpus_.find(event, hit)) {
      folder->add(hit);
    } else if (runs_vcpu(hit)) {
      throw InputError(
          fmt::format("{}: more than {} threads run vCPUs; --pid picks one process", name_, kMaxTraceVcpus));
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
  VcpuThreads vcpus_{window_, report_};
  bool has_clock_ = false;        // whether `report_.in_ticks` is known
  bool names_processes_ = false;  // whether a line has a column for it
  std::uint64_t first_without_process_ = 0;
  std::uint64_t previous_ns_ = 0;
  std::uint64_t first_ns_ = 0;
};

}  // namespace

ImportReport import_text(LineSource& lines, const std::string& name, const ImportOptions& options,
                         const ReorderWindow::Sink& sink) {
  Importer importer(name, options, sink);
  EventReader reader(lines);
  while (const auto event = reader.next()) importer.add(*event);
  return importer.finish(reader);
}

}  // namespace shadowwalk::trace
