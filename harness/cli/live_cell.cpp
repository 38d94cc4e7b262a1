#include "harness/cli/live_cell.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string_view>
#include <vector>

#include "harness/attach/live/process.hpp"
#include "harness/attach/live/tool_marks.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk::cli {
namespace {

/// `gdb (pid 12)`: who traces this process by ptrace; empty: nobody.
std::string tracer() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "TracerPid:\t";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    const std::string pid = line.substr(kKey.size());
    if (pid == "0") return {};
    std::string name;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::getline(comm, name);
    return fmt::format("{} (pid {})", name.empty() ? "a tracer" : name, pid);
  }
  return {};
}

}  // namespace

void warn_unlisted(const std::string& why) {
  fmt::print(stderr, "shadowwalk: `shadowwalk ps` will not show this run: {}\n", why);
}

LiveCell::LiveCell(const CellConfig& config, bool hold) : config_(config) {
  entry_.began_ns = live::now_ns();
  entry_.cell = live::CellPart{.id = config.id,
                               .name = config.name,
                               .variant = config.variant,
                               .workload = config.workload,
                               .held = false,
                               .counters_fd = counters_.fd(),
                               .schedule = std::nullopt};
  if (hold) hold_.emplace();
}

LiveCell::~LiveCell() {
  if (registration_) live::remove_marks(live::this_process());
}

void LiveCell::on_ready() {
  if (!registration_) {
    const bool run_has_warned = config_.id >= 0;
    registration_.emplace(run_has_warned ? live::Registration::Warn() : warn_unlisted);
  }
  if (hold_) {
    entry_.cell->held = true;
    entry_.cell->schedule.reset();
    registration_->update(entry_);
    hold_->wait();
    entry_.cell->held = false;
  }
  seen_.clear();  // a repetition begins
  look_around();
  gate_.claim();
  begin_ns_ = live::now_ns();
  const std::uint64_t warmup_end = begin_ns_ + static_cast<std::uint64_t>(config_.warmup.count());
  entry_.cell->schedule = live::Schedule{warmup_end, warmup_end + static_cast<std::uint64_t>(config_.duration.count())};
  registration_->update(entry_);
}

void LiveCell::look_around() {
  if (const std::string probes = attached_probes(); !probes.empty()) seen_.insert("probes " + probes);
  if (const std::string name = tracer(); !name.empty()) seen_.insert(name);
}

bool LiveCell::await_window() {
  look_around();
  return gate_.claim();
}

void LiveCell::let_begin() { gate_.let_begin(); }

void LiveCell::set_window(std::uint64_t begin_ns, std::uint64_t end_ns) {
  gate_.set_window(begin_ns, end_ns);
  entry_.cell->schedule = live::Schedule{begin_ns, end_ns};
  registration_->update(entry_);
}

void LiveCell::end_window() {
  gate_.let_end();
  end_ns_ = live::now_ns();
  look_around();
}

std::string LiveCell::perturbed() {
  std::vector<std::string> all = live::tools_on(live::this_process(), begin_ns_, end_ns_);
  all.insert(all.end(), seen_.begin(), seen_.end());
  return fmt::format("{}", fmt::join(all, "; "));
}

}  // namespace shadowwalk::cli
