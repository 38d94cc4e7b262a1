#include "harness/cli/import_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace shadowwalk::cli {
namespace {

/// Names come from the recording: replaces what a terminal would interpret.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, 60));
  std::replace_if(
      result.begin(), result.end(), [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return result;
}

std::string describe_unused(const trace::ImportReport& report) {
  std::vector<std::pair<std::string, std::uint64_t>> names(report.unused.begin(), report.unused.end());
  std::stable_sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t kShown = 40;
  std::uint64_t rest = report.unused_more;
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i < kShown) {
      text += fmt::format("  {:>12}  {}\n", names[i].second, printable(names[i].first));
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
  note(report.late,
       fmt::format("events dropped: later than the reorder window, by {:.3f} ms or more; a larger --window "
                   "keeps them",
                   static_cast<double>(report.latest_by_ns) / 1e6));
  note(report.malformed, fmt::format("events whose fields could not be read, the first {} in line {}",
                                     printable(report.first_malformed), report.first_malformed_line));
  note(report.unknown_gfns, "events without a gfn: the recording does not hold it (docs/trace-format.md)");
  note(report.other_processes, "events of other processes left out");
  if (report.vm_processes.size() > 1) {
    text += "several processes ran vCPUs, and the gfns of their guests are unrelated; --pid chooses one:\n";
    for (const auto& [process, vcpus] : report.vm_processes) {
      text += fmt::format("  {:>12}  {} vCPUs\n", process, vcpus);
    }
  }
  return text + describe_unused(report);
}

std::string describe_totals(const trace::TraceInfo& info) {
  std::string text = fmt::format(
      "duration    {:.6f} s\nvCPUs       {}\nevents      {}, {} of them by threads that run no "
      "vCPU\n",
      static_cast<double>(info.duration_ns) / 1e9, info.vcpus, info.events, info.host_events);
  if (info.last_gfn != 0) text += fmt::format("accesses    gfn {:#x} to {:#x}\n", info.first_gfn, info.last_gfn - 1);
  for (std::size_t kind = 1; kind <= trace::kMaxTraceKind; ++kind) {
    if (info.by_kind[kind] == 0) continue;
    text += fmt::format("  {:>12}  {}\n", info.by_kind[kind], trace::kind_name(static_cast<trace::TraceKind>(kind)));
  }
  return text;
}

}  // namespace shadowwalk::cli
