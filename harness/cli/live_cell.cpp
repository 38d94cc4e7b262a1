#include "harness/cli/live_cell.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace shadowwalk::cli {

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
                               .schedule = std::nullopt};
  if (hold) hold_.emplace();
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
  const std::uint64_t warmup_end = live::now_ns() + static_cast<std::uint64_t>(config_.warmup.count());
  entry_.cell->schedule = live::Schedule{warmup_end, warmup_end + static_cast<std::uint64_t>(config_.duration.count())};
  registration_->update(entry_);
}

}  // namespace shadowwalk::cli
