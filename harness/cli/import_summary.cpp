#include "harness/cli/import_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/guest/guest_abi.hpp"
#include "harness/os/printable.hpp"

namespace shadowwalk::cli {
namespace {

constexpr std::size_t kMostOfAName = 60;  // names come from the recording

std::string describe_unused(const trace::ImportReport& report) {
  std::vector<std::pair<std::string, std::uint64_t>> names(report.unused.begin(), report.unused.end());
  std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t kShown = 40;
  std::uint64_t rest = report.unused_more;
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i < kShown) {
      text += fmt::format("  {:>12}  {}\n", names[i].second, os::printable(names[i].first, kMostOfAName));
    } else {
      rest += names[i].second;
    }
  }
  if (rest != 0) text += fmt::format("  {:>12}  of other names\n", rest);
  return text.empty() ? text : "events that have no part in a trace:\n" + text;
}

}  // namespace

std::string describe_import(const trace::ImportReport& report) {
  std::string text =
      fmt::format("{} events from {} lines, {} of them events\n", report.events, report.lines, report.event_lines);
  const auto note = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format("{} {}\n", count, what);
  };
  note(report.lost, "events lost by the recorder itself: a larger buffer loses fewer (record --buffer)");
  if (report.uncounted_losses != 0) {
    text += fmt::format("events were lost: the recorder does not say how many; {} places, the first in line {}\n",
                        report.uncounted_losses, report.first_uncounted_loss);
  }
  if (report.in_ticks) {
    text +=
        "times are ticks of a clock that counts no seconds (x86-tsc, counter, uptime): their order is kept, and each "
        "is taken for a nanosecond; replay with --closed-loop, or record with the clock mono\n";
  }
  constexpr std::uint64_t kOnceIn = 4;
  if (report.backwards > report.event_lines / kOnceIn) {
    note(report.backwards,
         "events are earlier than the one before them: times since the last event (perf script --deltatime) are no "
         "times");
  }
  note(report.joined_lines, "lines joined with the line that they continue: something wrapped the text");
  note(report.cut_lines, "lines with a part of an event only: without its thread and time, or without its name");
  note(report.shared_bits,
       "addresses with the shared bit of a confidential guest (bit 47 or 51), which is no part of a gfn: removed");
  note(report.late,
       fmt::format("events dropped: later than the reorder window, by {:.3f} ms or more; a larger --window "
                   "keeps them",
                   static_cast<double>(report.latest_by_ns) / 1e6));
  note(report.malformed, fmt::format("events whose fields could not be read, the first {} in line {}",
                                     os::printable(report.first_malformed, kMostOfAName), report.first_malformed_line));
  note(report.unknown_gfns, "events without a gfn: the recording does not hold it (docs/trace-format.md)");
  note(report.other_processes, "events of other processes left out");
  note(report.no_process, "events left out because their lines name no process");
  if (report.vm_processes.size() > 1) {
    text += "several processes ran vCPUs, and the gfns of their guests are unrelated; --pid chooses one:\n";
    for (const auto& [process, vcpus] : report.vm_processes) {
      text += fmt::format("  {:>12}  {} vCPUs\n", process, vcpus);
    }
  }
  if (report.shared_vcpu && report.vm_processes.size() <= 1) {
    const trace::SharedVcpu& shared = *report.shared_vcpu;
    text += fmt::format(
        "vCPU {} runs on two threads ({} and {}), as with several VMs, and the gfns of their guests are unrelated; "
        "{}\n",
        shared.vcpu, shared.first_thread, shared.second_thread,
        report.vm_processes.empty()
            ? "print the text with the processes (perf script -F comm,pid,tid,cpu,time,event,trace), "
              "of which --pid chooses one"
            : "no process tells them apart");
    note(report.more_shared_vcpus, "more threads run a vCPU that another thread runs as well");
  }
  if (report.merged_vcpus) {
    text += fmt::format(
        "thread {} ran several vCPUs, which are one in the trace; if the text names processes in place of threads, "
        "print it with perf script -F comm,pid,tid,cpu,time,event,trace\n",
        *report.merged_vcpus);
  }
  return text + describe_unused(report);
}

std::string describe_totals(const trace::TraceInfo& info) {
  std::string text = fmt::format(
      "duration    {:.6f} s\nvCPUs       {}\nevents      {}, {} of them by threads that run no "
      "vCPU\n",
      static_cast<double>(info.duration_ns) / 1e9, info.vcpus, info.events, info.host_events);
  if (info.last_gfn != 0) text += fmt::format("accesses    gfn {:#x} to {:#x}\n", info.first_gfn, info.last_gfn - 1);
  if (info.last_gfn > guest_abi::kWindowPages)
    text += "            beyond 2^36, the lab's pages: cells refuse to replay it\n";
  for (std::size_t kind = 1; kind <= trace::kMaxTraceKind; ++kind) {
    if (info.by_kind[kind] == 0) continue;
    text += fmt::format("  {:>12}  {}\n", info.by_kind[kind], trace::kind_name(static_cast<trace::TraceKind>(kind)));
  }
  return text;
}

}  // namespace shadowwalk::cli
