#include "harness/attach/top/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "harness/attach/live/live_runs.hpp"

namespace shadowwalk::top {
namespace {

std::uint64_t read(const LiveCounters::Counter& counter) { return counter.load(std::memory_order_relaxed); }

Counts read(const LiveCounters::Thread& thread) {
  Counts counts;
  for (const CountRow& row : kCounts) counts.*row.count = read(thread.*row.counter);
  for (std::size_t i = 0; i < kExitReasons; ++i) counts.exits[i] = read(thread.exits[i]);
  return counts;
}

/// A level of pages is the difference of two counts that are read one after the other: it is negative if pages were
/// freed in between.
std::uint64_t level(std::uint64_t pages) { return static_cast<std::int64_t>(pages) < 0 ? 0 : pages; }

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  for (const CountRow& row : kCounts) this->*row.count += other.*row.count;
  for (std::size_t i = 0; i < kExitReasons; ++i) exits[i] += other.exits[i];
  return *this;
}

Sample take_sample(const LiveCounters& counters, std::uint64_t at_ns) {
  Sample sample;
  sample.at_ns = at_ns;
  sample.page_bytes = read(counters.page_bytes);
  const std::size_t vcpus = std::min<std::size_t>(read(counters.vcpus), LiveCounters::kMostThreads);
  const std::size_t zappers = std::min<std::size_t>(read(counters.zappers), LiveCounters::kMostThreads - vcpus);
  for (std::size_t i = 0; i < vcpus + zappers; ++i) {
    const Counts counts = read(counters.threads[i]);
    if (i < vcpus) sample.vcpus.push_back(counts);
    sample.all += counts;
  }
  sample.ipis = read(counters.ipis.total);
  sample.ipi_ns = counters.ipis.ns.snapshot();

  sample.pages_freed = counters.footprint.left_by(&FootprintCounters::Freer::freed);
  sample.pages_retired = level(read(counters.footprint.unlinked.total) - sample.pages_freed);
  const Footprint::Result pages = Footprint::result_of(counters.footprint, 0);
  sample.free_ns = pages.free_ns;
  sample.retired_peak = level(pages.retired.peak);
  for (const std::uint64_t peak : pages.retired.series_peak) sample.retired_series.push_back(level(peak));
  return sample;
}

double Frame::interval_s() const { return now && before ? static_cast<double>(now->at_ns - before->at_ns) / 1e9 : 0; }

std::size_t Frame::intervals_begun() const {
  if (!run.cell || !run.cell->schedule) return 0;
  const live::Schedule& schedule = *run.cell->schedule;
  if (at_ns < schedule.warmup_end_ns || schedule.window_end_ns <= schedule.warmup_end_ns) return 0;
  const double part = static_cast<double>(at_ns - schedule.warmup_end_ns) /
                      static_cast<double>(schedule.window_end_ns - schedule.warmup_end_ns);
  return std::min(Footprint::kIntervals, static_cast<std::size_t>(part * Footprint::kIntervals) + 1);
}

Watch::Watch(const std::string& wanted) : last_(live::choose_run("top", live::live_runs(), wanted)) { id_ = last_.id; }

void Watch::follow(const live::LiveRun& run) {
  last_ = run;
  const live::Process cell = run.cell_process;
  const int fd = run.cell ? run.cell->counters_fd : -1;
  if (cell == cell_ && fd == counters_fd_) return;
  cell_ = cell;
  counters_fd_ = fd;
  counters_.reset();
  before_.reset();
  why_no_counters_.clear();
  if (cell.pid == 0) return;
  if (fd < 0) {
    why_no_counters_ = "the cell has none: its kernel refused it a memfd, or its build is older than `shadowwalk top`";
    return;
  }
  try {
    const std::optional<live::HeldProcess> held = live::HeldProcess::hold(cell);
    if (held) counters_ = std::make_unique<const ForeignCounters>(cell.pid, fd);
    if (!held || !held->is_running()) {  // what was opened may be another process's
      counters_.reset();
      why_no_counters_ = fmt::format("process {} has ended", cell.pid);
    }
  } catch (const ForeignCounters::Unreadable& error) {
    why_no_counters_ = error.what();
  }
}

Frame Watch::look() {
  const std::vector<live::LiveRun> runs = live::live_runs();
  const auto found = std::ranges::find(runs, id_, &live::LiveRun::id);
  if (found != runs.end()) follow(*found);
  Frame frame{.run = last_, .phase = {}, .at_ns = live::now_ns(), .now = {}, .before = {}, .why_no_counters = {}};
  frame.phase = found == runs.end() ? "ended" : last_.phase(frame.at_ns);
  frame.why_no_counters = why_no_counters_;
  if (counters_) {
    frame.now = take_sample(counters_->counters(), frame.at_ns);
    // Each repetition starts at 0.
    if (before_ && before_->all.walks <= frame.now->all.walks && before_->pages_freed <= frame.now->pages_freed) {
      frame.before = std::move(before_);
    }
    before_ = frame.now;
  }
  return frame;
}

}  // namespace shadowwalk::top
