#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace shadowwalk {

/// `5m`, `2s`, `500ms`, `1.5ms`, `50us`, `100ns`, `1h` or `0`; nothing for any other text, a negative time or more than
/// 24 hours.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// `500ms`, `1500us` or `0`: parse_duration() returns the same time again. Not negative.
std::string exact_duration(std::chrono::nanoseconds duration);

/// `850ms`, `12s`, `3m12s`, `1h04m`. A negative time is `0ms`.
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace shadowwalk
