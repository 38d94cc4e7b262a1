#include "harness/attach/live/live_runs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/error.hpp"
#include "harness/text/suggestion.hpp"

namespace shadowwalk::live {
namespace {

std::map<Process, Entry> read_entries() {
  std::map<Process, Entry> entries;
  const std::optional<RuntimeDirectory> directory = RuntimeDirectory::find();
  if (!directory) return entries;
  for (const RuntimeFile& file : directory->files()) {
    if (!is_running(file.process)) {
      directory->remove(file.name);
    } else if (file.kind == kEntryKind && !file.is_partial) {
      const std::optional<std::string> text = directory->read(file.name);
      if (!text) continue;
      if (const std::optional<Entry> entry = from_text(*text)) entries.emplace(file.process, *entry);
    }
  }
  return entries;
}

std::string name_of(const Entry& entry) {
  if (!entry.run) return "cell";
  const std::filesystem::path path = std::filesystem::path(entry.run->directory).lexically_normal();
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return name.empty() ? "run" : name;
}

LiveRun live_run(const Process& process, const Entry& entry) {
  LiveRun live;
  live.id = fmt::format("{}-{}", name_of(entry), process.pid);
  live.process = process;
  live.began_ns = entry.began_ns;
  live.run = entry.run;
  return live;
}

void add_cell(LiveRun& live, const Process& process, const CellPart& cell) {
  live.cell = cell;
  live.cell_process = process;
  const std::optional<HeldProcess> held = HeldProcess::hold(process);
  if (held) live.threads = threads_by_role(process.pid);
  if (!held || !held->is_running()) {  // it ended since its entry was read
    live.cell.reset();
    live.cell_process = {};
    live.threads.clear();
  }
}

}  // namespace

std::string LiveRun::phase(std::uint64_t now) const {
  if (cell && cell->held) return "held";
  if (!cell || !cell->schedule) return "starting";
  if (now < cell->schedule->warmup_end_ns) return "warmup";
  return now < cell->schedule->window_end_ns ? "measure" : "drain";
}

std::optional<std::uint64_t> LiveRun::eta_ns(std::uint64_t now) const {
  std::uint64_t end = 0;
  if (run) {
    end = run->done_ns;
  } else if (cell && cell->schedule) {
    end = cell->schedule->window_end_ns;
  } else {
    return std::nullopt;
  }
  constexpr std::uint64_t kLongest = std::numeric_limits<std::int64_t>::max();  // of std::chrono::nanoseconds
  return end > now ? std::min(end - now, kLongest) : 0;
}

std::vector<LiveRun> live_runs() {
  const std::map<Process, Entry> entries = read_entries();
  std::map<pid_t, LiveRun> runs;
  for (const auto& [process, entry] : entries) {
    if (entry.run) runs.emplace(process.pid, live_run(process, entry));
  }
  std::vector<LiveRun> live;
  for (const auto& [process, entry] : entries) {
    if (!entry.cell) continue;
    // A run's cells are its child processes.
    if (const auto run = runs.find(parent_of(process.pid)); run != runs.end()) {
      add_cell(run->second, process, *entry.cell);
    } else {
      live.push_back(live_run(process, entry));
      add_cell(live.back(), process, *entry.cell);
      if (live.back().cell_process.pid == 0) live.pop_back();
    }
  }
  for (const auto& [pid, run] : runs) live.push_back(run);
  std::sort(live.begin(), live.end(), [](const LiveRun& a, const LiveRun& b) { return a.began_ns < b.began_ns; });
  return live;
}

LiveRun choose_run(std::string_view verb, const std::vector<LiveRun>& runs, const std::string& wanted) {
  if (runs.empty()) throw InputError(fmt::format("{}: no live run of this user; `shadowwalk ps` lists them", verb));
  std::vector<std::string> ids;
  for (const LiveRun& run : runs) ids.push_back(run.id);
  if (wanted.empty()) {
    if (runs.size() == 1) return runs.front();
    throw InputError(fmt::format("{}: {} live runs; name one of them: {}", verb, runs.size(), fmt::join(ids, ", ")));
  }
  for (const LiveRun& run : runs) {
    if (run.id == wanted || std::to_string(run.process.pid) == wanted ||
        std::to_string(run.cell_process.pid) == wanted) {
      return run;
    }
  }
  throw InputError(
      fmt::format("{}: no live run '{}'{} there are: {}", verb, wanted, suggestion(wanted, ids), fmt::join(ids, ", ")));
}

}  // namespace shadowwalk::live
