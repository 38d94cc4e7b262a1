// Any text as a schedule that `verify --save` wrote; it is read, and not run.
#include <nlohmann/json.hpp>
#include <string>

#include "harness/verify/saved_schedule.hpp"
#include "tests/fuzz/targets.hpp"

namespace shadowwalk::fuzz {

void schedule(std::string_view bytes) {
  using namespace verify;
  SavedSchedule saved;
  if (!accepts([&] { saved = schedule_from_text(bytes, "saved.json"); })) return;
  const VerifyConfig& config = saved.config;
  require(config.walkers >= 1 && config.walkers <= kMostWalkers && config.zappers >= 1 &&
          config.zappers <= kMostZappers && config.walks >= 1 && config.walks <= kMostTurns && config.zaps >= 1 &&
          config.zaps <= kMostTurns && config.pages >= kFewestPages && config.pages <= kMostPages);
  require(is_printable(saved.variant) && is_printable(saved.goes_wrong));
  for (const std::string& step : saved.steps) require(is_printable(step));
  const std::string text = to_json(saved).dump();
  require(accepts([&] { require(to_json(schedule_from_text(text, "again.json")).dump() == text); }));
}

}  // namespace shadowwalk::fuzz
