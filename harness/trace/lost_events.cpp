#include "harness/trace/lost_events.hpp"

#include <charconv>

#include "harness/trace/event_line.hpp"

namespace shadowwalk::trace {
namespace {

/// Removes a number from the front.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// Removes everything up to and with `mark`. False: it is not there.
bool skip_past(std::string_view& text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return false;
  text.remove_prefix(at + mark.size());
  return true;
}

LostEvents counted(std::optional<std::uint64_t> count) {
  return {.count = count.value_or(0), .is_counted = count.has_value()};
}

/// "9/20": of 20 entries 9 are left.
std::optional<LostEvents> overwritten(std::string_view text) {
  const auto left = take_number(text);
  if (!left || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  const auto written = take_number(text);
  if (!written || *written <= *left) return std::nullopt;
  return LostEvents{.count = *written - *left};
}

std::optional<LostEvents> in_header(std::string_view line) {
  if (skip_past(line, "entries-in-buffer/entries-written:")) return overwritten(trimmed(line));
  if (skip_past(line, "latency:") && skip_past(line, " #")) return overwritten(line);
  return std::nullopt;
}

/// "LOST 12 EVENTS", "LOST EVENTS", "12 EVENTS DROPPED", "EVENTS DROPPED" in brackets.
std::optional<LostEvents> in_brackets(std::string_view line) {
  while (skip_past(line, "[")) {
    std::string_view text = trimmed(line);
    const bool is_ftrace = text.starts_with("LOST");
    if (is_ftrace) text.remove_prefix(4);
    text = trimmed(text);
    const auto count = take_number(text);
    text = trimmed(text);
    if (text.starts_with(is_ftrace ? "EVENTS]" : "EVENTS DROPPED]")) return counted(count);
  }
  return std::nullopt;
}

std::optional<LostEvents> in_statistics(std::string_view line) {
  for (const std::string_view name : {"overrun: ", "commit overrun: ", "dropped events: "}) {
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    const auto count = take_number(line);
    if (count && *count != 0 && trimmed(line).empty()) return counted(count);
  }
  return std::nullopt;
}

}  // namespace

std::optional<LostEvents> lost_events(std::string_view line) {
  if (line.starts_with('#')) return in_header(line);
  std::string_view text = line;
  if (skip_past(text, "PERF_RECORD_LOST")) return skip_past(text, "lost ") ? counted(take_number(text)) : counted({});
  if (line.find("EVENTS") != std::string_view::npos) return in_brackets(line);
  for (const std::string_view words : {" events and lost ", " events and LOST "}) {
    if (text = line; !skip_past(text, words)) continue;
    const auto count = take_number(text);
    return counted(text.starts_with(" chunks") ? std::nullopt : count);
  }
  return in_statistics(trimmed(line));
}

}  // namespace shadowwalk::trace
