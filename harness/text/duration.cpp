#include "harness/text/duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

namespace shadowwalk {
namespace {

constexpr std::chrono::hours kLongestDuration{24};

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
constexpr Unit kUnits[] = {{"s", 1'000'000'000},  {"ms", 1'000'000},       {"us", 1'000}, {"ns", 1},
                           {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};  // behind those that are written

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds{0};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || number < 0 || std::signbit(number)) return std::nullopt;
  const auto unit = std::ranges::find(kUnits, text.substr(static_cast<std::size_t>(end - text.data())), &Unit::name);
  if (unit == std::ranges::end(kUnits)) return std::nullopt;
  const double nanoseconds = number * static_cast<double>(unit->ns);
  if (nanoseconds > static_cast<double>(std::chrono::nanoseconds{kLongestDuration}.count())) return std::nullopt;
  return std::chrono::nanoseconds{std::llround(nanoseconds)};
}

std::string exact_duration(std::chrono::nanoseconds duration) {
  const auto ns = duration.count();
  if (ns == 0) return "0";
  const Unit& unit = *std::ranges::find_if(kUnits, [&](const Unit& one) { return ns % one.ns == 0; });
  return fmt::format("{}{}", ns / unit.ns, unit.name);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  using namespace std::chrono_literals;
  duration = std::max(duration, 0ns);
  if (duration < 1s)
    return fmt::format("{}ms", std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  const auto seconds = std::chrono::round<std::chrono::seconds>(duration).count();
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace shadowwalk
