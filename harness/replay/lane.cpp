#include "harness/replay/lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "harness/machine/check.hpp"
#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::replay {
namespace {

constexpr std::string_view kClosedLoop = "closed-loop";
/// 146 years: an event due then or later is never due, so that no sum of ticks overflows.
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

Lane::Lane(std::size_t capacity, FeederBell& bell) : bell_(bell), size_(capacity), events_(capacity) {
  SHADOWWALK_CHECK(std::has_single_bit(capacity), "a lane's capacity is a power of two");
}

void Lane::push(const FedEvent& event) {
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  events_[tail & (size_ - 1)] = event;
  tail_.store(tail + 1, std::memory_order_release);  // pairs with available(): the event is there
}

std::uint64_t Lane::oldest(std::uint64_t none) const {
  const std::uint64_t done = done_.load(std::memory_order_acquire);
  return done == tail_.load(std::memory_order_relaxed) ? none : at(done).number;
}

bool Lane::wait_until_half_empty() { return wait_until_done(tail_.load(std::memory_order_relaxed) - size_ / 2); }

bool Lane::wait_until_done_below(std::uint64_t number) {
  // Numbers ascend: the first that is not smaller, by halving.
  std::uint64_t first = done_.load(std::memory_order_acquire);
  std::uint64_t last = tail_.load(std::memory_order_relaxed);
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    if (at(middle).number < number) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return wait_until_done(first);
}

bool Lane::wait_until_done(std::uint64_t index) {
  // Store buffering: "ring_at_ = index; read done_" here, "done_ = ...; read ring_at_" in done(). All seq_cst.
  ring_at_.store(index, std::memory_order_seq_cst);
  const bool goes_on = bell_.wait([&] { return done_.load(std::memory_order_seq_cst) >= index; });
  ring_at_.store(kNever, std::memory_order_relaxed);
  return goes_on;
}

std::span<const FedEvent> Lane::available() const {
  const std::uint64_t done = done_.load(std::memory_order_relaxed);
  const std::uint64_t there = tail_.load(std::memory_order_acquire) - done;
  const std::size_t begin = done & (size_ - 1);
  return std::span(events_).subspan(begin, std::min<std::size_t>(there, size_ - begin));
}

void Lane::done(std::size_t count) {
  if (count == 0) return;
  const std::uint64_t done = done_.load(std::memory_order_relaxed) + count;
  // release, too: pairs with the feeder's acquire, which may then write where these events were.
  done_.store(done, std::memory_order_seq_cst);
  if (done >= ring_at_.load(std::memory_order_seq_cst)) bell_.ring();
}

}  // namespace shadowwalk::replay
