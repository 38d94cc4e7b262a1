#include "harness/replay/pace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::replay {
namespace {

constexpr std::string_view kClosedLoop = "closed-loop";
/// 146 years: whatever is due then or later is never due, and no sum of ticks overflows.
constexpr double kFarNs = 0x1p62;

}  // namespace

std::optional<Pace> parse_pace(std::string_view text) {
  if (text == kClosedLoop) return Pace{.closed_loop = true};
  Pace pace;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), pace.speed, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(pace.speed >= Pace::kSlowest && pace.speed <= Pace::kFastest)) return std::nullopt;
  return pace;
}

std::string to_string(const Pace& pace) {
  return pace.closed_loop ? std::string(kClosedLoop) : fmt::format("{}", pace.speed);
}

std::uint64_t due_ns(std::uint64_t trace_ns, double speed) {
  const double due = static_cast<double>(trace_ns) / speed;
  if (due >= kFarNs) return kNever;
  return speed == 1 ? trace_ns : static_cast<std::uint64_t>(due);
}

std::uint64_t pass_ns(const trace::TraceInfo& info) {
  const std::uint64_t gaps = info.events > 1 ? info.events - 1 : 1;
  return saturating_add(info.duration_ns, std::max<std::uint64_t>(1, info.duration_ns / gaps));
}

std::uint64_t ReplayClock::due(std::uint64_t trace_ns) const {
  if (pace_.closed_loop) return 0;
  const std::uint64_t ns = due_ns(trace_ns, pace_.speed);
  if (ns == kNever) return kNever;
  return saturating_add(start_.load(std::memory_order_relaxed), CycleClock::from_ns(static_cast<double>(ns)));
}

}  // namespace shadowwalk::replay
