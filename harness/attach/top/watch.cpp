#include "harness/attach/top/watch.hpp"

#include <algorithm>
#include <vector>

#include "harness/attach/live/choose_run.hpp"

namespace shadowwalk::top {

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
  const live::Process cell =
      run.cell_pid == 0 ? live::Process{} : live::process_of(run.cell_pid).value_or(live::Process{});
  const int fd = run.cell ? run.cell->counters_fd : -1;
  if (cell == cell_ && fd == counters_fd_) return;
  cell_ = cell;
  counters_fd_ = fd;
  counters_.reset();
  before_.reset();
  why_no_counters_.clear();
  if (cell.pid == 0) return;
  if (fd < 0) {
    why_no_counters_ =
        "the cell shows none: its kernel refused it a memfd, or its build is older than `shadowwalk top`";
    return;
  }
  try {
    counters_ = std::make_unique<const ForeignCounters>(cell.pid, fd);
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
    // A repetition begins to count anew.
    if (before_ && before_->all.walks <= frame.now->all.walks && before_->pages_freed <= frame.now->pages_freed) {
      frame.before = std::move(before_);
    }
    before_ = frame.now;
  }
  return frame;
}

}  // namespace shadowwalk::top
