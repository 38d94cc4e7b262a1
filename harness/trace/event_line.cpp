#include "harness/trace/event_line.hpp"

#include <algorithm>
#include <charconv>

namespace shadowwalk::trace {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\0'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Removes the next word from the front; empty at the end.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

template <typename T>
bool parse_all(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// "123.456789:" or with up to nine digits after the point.
bool parse_time(std::string_view word, std::uint64_t& nanoseconds) {
  if (word.size() < 4 || word.back() != ':') return false;
  word.remove_suffix(1);
  const std::size_t point = word.find('.');
  if (point == std::string_view::npos || point == 0) return false;
  const std::string_view digits = word.substr(point + 1);
  constexpr std::uint64_t kMaxSeconds = 1'000'000'000;  // 30 years: no overflow
  std::uint64_t seconds = 0;
  std::uint64_t fraction = 0;
  if (digits.empty() || digits.size() > 9 || !parse_all(word.substr(0, point), seconds) || seconds > kMaxSeconds ||
      !parse_all(digits, fraction)) {
    return false;
  }
  for (std::size_t place = digits.size(); place < 9; ++place) fraction *= 10;
  nanoseconds = seconds * 1'000'000'000 + fraction;
  return true;
}

/// "4250", "4242/4250", or trace-cmd's "qemu-4250".
bool parse_thread(std::string_view word, EventLine& event) {
  const std::size_t slash = word.find('/');
  if (slash != std::string_view::npos && parse_all(word.substr(0, slash), event.process) &&
      parse_all(word.substr(slash + 1), event.thread)) {
    return true;
  }
  event.process = 0;
  const std::size_t dash = word.rfind('-');
  return parse_all(dash == std::string_view::npos ? word : word.substr(dash + 1), event.thread);
}

bool is_cpu(std::string_view word) {
  return word.size() >= 3 && word.front() == '[' && word.back() == ']' && is_digit(word[1]);
}

/// "kvm:kvm_mmio:" or "kvm_mmio:". Neither a system nor a name contains a colon, except for perf's own modifiers.
bool parse_name(std::string_view word, EventLine& event) {
  if (word.size() < 2 || word.back() != ':') return false;
  word.remove_suffix(1);
  const std::size_t colon = word.find(':');
  event.system = colon == std::string_view::npos ? std::string_view{} : word.substr(0, colon);
  event.name = colon == std::string_view::npos ? word : word.substr(colon + 1);
  return !event.name.empty();
}

/// The position of `label` in `text`, at its beginning or after a blank; npos: it is not there.
std::size_t find_label(std::string_view text, std::string_view label) {
  for (std::size_t at = text.find(label); at != std::string_view::npos; at = text.find(label, at + 1)) {
    if (at == 0 || is_blank(text[at - 1])) return at;
  }
  return std::string_view::npos;
}

}  // namespace

bool LineSource::fill() {
  if (at_end_) return false;
  buffer_.resize(kReadBytes);
  buffer_.resize(read(buffer_.data(), kReadBytes));
  begin_ = 0;
  at_end_ = buffer_.empty();
  return !at_end_;
}

std::optional<std::string_view> LineSource::next() {
  if (begin_ == buffer_.size() && !fill()) return std::nullopt;
  ++line_number_;
  line_.clear();
  do {
    const std::size_t newline = buffer_.find('\n', begin_);
    const std::size_t end = std::min(newline, buffer_.size());
    line_.append(buffer_, begin_, std::min(end - begin_, kMaxLine - line_.size()));
    begin_ = end + 1;
    if (newline != std::string::npos) return line_;
  } while (fill());
  return line_;  // the last one has no newline
}

std::optional<EventLine> parse_event_line(std::string_view line) {
  if (!line.empty() && line.front() == '#') return std::nullopt;
  // Reads words from the left until one is a time and the next a name. Whatever the command's name contains, the thread
  // directly precedes the time, except for the CPU and ftrace's flags.
  std::string_view rest = line;
  std::string_view before[3];  // the last words: [0] is the newest
  while (true) {
    const std::string_view word = take_word(rest);
    if (word.empty()) return std::nullopt;
    EventLine event;
    std::string_view after = rest;
    if (parse_time(word, event.time_ns)) {
      std::string_view name = take_word(after);
      if (std::uint64_t period = 0; parse_all(name, period)) name = take_word(after);
      const std::size_t thread = is_cpu(before[0]) ? 1 : is_cpu(before[1]) ? 2 : 0;
      if (parse_name(name, event) && parse_thread(before[thread], event)) {
        while (!after.empty() && is_blank(after.front())) after.remove_prefix(1);
        event.fields = after;
        return event;
      }
    }
    before[2] = before[1];
    before[1] = before[0];
    before[0] = word;
  }
}

std::optional<std::uint64_t> EventFields::number(std::string_view label, std::string_view field, int base) const {
  const auto parse = [](std::string_view text, int in_base) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    if (in_base == 16 && text.starts_with("0x")) text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, in_base);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    // "1f0x" is no number; a comma or a colon may follow a number
    if (end != text.data() + text.size() && !is_blank(*end) && *end != ',' && *end != ':') return std::nullopt;
    return value;
  };
  if (const std::size_t at = find_label(text_, label); at != std::string_view::npos) {
    if (const auto value = parse(text_.substr(at + label.size()), base)) return value;
  }
  if (const std::size_t at = find_label(text_, field); at != std::string_view::npos) {
    const std::string_view rest = text_.substr(at + field.size());
    if (rest.starts_with('=')) return parse(rest.substr(1), rest.starts_with("=0x") ? 16 : 10);
  }
  return std::nullopt;
}

bool EventFields::has_word(std::string_view word) const {
  std::string_view rest = text_;
  for (std::string_view next = take_word(rest); !next.empty(); next = take_word(rest)) {
    if (next == word) return true;
  }
  return false;
}

std::string_view EventFields::word_after(std::string_view label, unsigned skipped) const {
  const std::size_t at = find_label(text_, label);
  if (at == std::string_view::npos) return {};
  std::string_view rest = text_.substr(at + label.size());
  for (; skipped != 0; --skipped) take_word(rest);
  return take_word(rest);
}

}  // namespace shadowwalk::trace
