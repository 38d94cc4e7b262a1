#include "harness/trace/event_line.hpp"

#include <algorithm>
#include <charconv>

namespace shadowwalk::trace {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint64_t kNsPerMicrosecond = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

/// Removes the next word from the front; empty at the end.
std::string_view take_word(std::string_view& text) {
  const char* begin = text.data();
  const char* const end = begin + text.size();
  while (begin != end && is_blank(*begin)) ++begin;
  const char* word_end = begin;
  while (word_end != end && !is_blank(*word_end)) ++word_end;
  text = {word_end, end};
  return {begin, word_end};
}

/// Removes the last word; empty if there is none.
std::string_view take_last_word(std::string_view& text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::size_t begin = text.size();
  while (begin != 0 && !is_blank(text[begin - 1])) --begin;
  const std::string_view word = text.substr(begin);
  text.remove_suffix(word.size());
  return word;
}

template <typename T>
bool parse_all(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// "123.456789" with up to nine digits after the point, of any clock whose nanoseconds fit 64 bits.
bool parse_seconds(std::string_view word, EventLine& event) {
  const std::size_t point = word.find('.');
  if (point == std::string_view::npos) return false;
  const std::string_view digits = word.substr(point + 1);
  std::uint64_t seconds = 0;
  std::uint64_t fraction = 0;
  if (digits.size() > 9 || !all_digits(word.substr(0, point)) || !parse_all(word.substr(0, point), seconds) ||
      seconds >= UINT64_MAX / kNsPerSecond || !all_digits(digits) || !parse_all(digits, fraction)) {
    return false;
  }
  for (std::size_t place = digits.size(); place < 9; ++place) fraction *= 10;
  event.time_ns = seconds * kNsPerSecond + fraction;
  return true;
}

/// The time in `word`, which begins with a digit, or in it and the next, which is then removed from `rest`: seconds;
/// ticks, "918273645546372:"; microseconds in ftrace's latency format, which dumps of the ring buffer use, "5010us :"
/// or with a mark "5010us+:".
bool take_time(std::string_view word, std::string_view& rest, EventLine& event) {
  if (word.size() < 2) return false;
  if (word.back() == ':') {
    word.remove_suffix(1);
    if (word.find('.') != std::string_view::npos) return parse_seconds(word, event);
    if (all_digits(word)) {
      event.in_ticks = true;
      return parse_all(word, event.time_ns);
    }
    word.remove_suffix(1);  // a mark
  } else {
    std::string_view after = rest;
    if (word.back() != 's' || take_word(after) != ":") return false;
    rest = after;
  }
  if (!word.ends_with("us")) return false;
  word.remove_suffix(2);
  if (!all_digits(word) || !parse_all(word, event.time_ns) || event.time_ns > UINT64_MAX / kNsPerMicrosecond)
    return false;
  event.time_ns *= kNsPerMicrosecond;
  return true;
}

/// A process or thread id; perf prints -1 for those of a dead task, which becomes `dead`.
bool parse_id(std::string_view word, std::uint32_t dead, std::uint32_t& id) {
  if (word == "-1") {
    id = dead;
    return true;
  }
  return all_digits(word) && parse_all(word, id) && id != EventLine::kDeadThread;
}

/// "4250", "4242/4250", or trace-cmd's "qemu-4250", at the end of `head`; what precedes it is the command's name.
bool parse_thread(std::string_view head, EventLine& event) {
  const std::string_view word = take_last_word(head);
  event.command = trimmed(head);
  const std::size_t slash = word.find('/');
  std::uint32_t process = 0;
  if (slash != std::string_view::npos && parse_id(word.substr(0, slash), 0, process) &&
      parse_id(word.substr(slash + 1), EventLine::kDeadThread, event.thread)) {
    event.process = process;
    event.has_process = true;
    return true;
  }
  if (parse_id(word, EventLine::kDeadThread, event.thread)) return true;
  const std::size_t dash = word.rfind('-');
  if (dash == std::string_view::npos || !parse_id(word.substr(dash + 1), 0, event.thread)) return false;
  const char* const begin = event.command.empty() ? word.data() : event.command.data();
  event.command = {begin, static_cast<std::size_t>(word.data() + dash - begin)};
  return true;
}

/// "[003]"; perf prints a CPU that it does not know as [-01].
bool is_cpu(std::string_view word) {
  if (word.size() < 3 || word.front() != '[' || word.back() != ']') return false;
  word = word.substr(1, word.size() - 2);
  if (word.front() == '-') word.remove_prefix(1);
  return all_digits(word);
}

/// The CPU and the flags of latency formats: "3d..1.", raw "3-0x1".
bool is_cpu_with_flags(std::string_view word) {
  const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  const std::string_view flags = word.substr(digits);
  if (digits == 0 || digits > 5) return false;
  if (flags.starts_with("-0x")) return flags.size() > 3;
  return flags.size() >= 3 && flags.size() <= 6 &&
         std::ranges::all_of(flags, [](char c) { return c == '.' || c == '#' || is_digit(c) || is_letter(c); });
}

/// Removes the column of the option record-tgid from the end: "(  52003)", or "(-------)" where it is not known.
void take_process(std::string_view& head, EventLine& event) {
  constexpr std::size_t kWidest = 16;
  const std::string_view text = trimmed(head);
  if (!text.ends_with(')')) return;
  const std::size_t open = text.rfind('(');
  if (open == std::string_view::npos || text.size() - open > kWidest) return;
  const std::string_view id = trimmed(text.substr(open + 1, text.size() - open - 2));
  const bool is_unknown = !id.empty() && id.find_first_not_of('-') == std::string_view::npos;
  if (!is_unknown && (!all_digits(id) || !parse_all(id, event.process))) return;
  event.has_process = true;
  head.remove_suffix(static_cast<std::size_t>(head.data() + head.size() - (text.data() + open)));
}

/// What precedes the time. Whatever the command's name contains, the thread directly precedes the time, except for the
/// CPU, the process of record-tgid, and between CPU and time ftrace's flags or perf's time of day.
bool parse_head(std::string_view head, EventLine& event, bool needs_cpu) {
  constexpr unsigned kColumnsAfterCpu = 2;
  std::string_view rest = head;
  for (unsigned column = 0; column <= kColumnsAfterCpu; ++column) {
    const std::string_view word = take_last_word(rest);
    const bool with_flags = column == 0 && is_cpu_with_flags(word);
    if (!with_flags && !is_cpu(word)) continue;
    std::string_view before = rest;
    take_process(before, event);
    if (parse_thread(before, event)) return true;
    event.process = 0;
    event.has_process = false;
  }
  if (needs_cpu) return false;
  // `perf script --Latency` prints the CPU as a bare number after the thread. CPUs have smaller numbers than threads.
  rest = head;
  std::uint32_t cpu = 0;
  if (parse_all(take_last_word(rest), cpu)) {
    std::string_view before = rest;
    const bool is_bare = all_digits(take_last_word(before));
    if (parse_thread(rest, event) && (event.has_process || (is_bare && event.thread > cpu))) return true;
  }
  event.process = 0;
  event.has_process = false;
  return parse_thread(head, event);
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

/// The event's name at the front of `text`, which then begins with its fields.
bool take_name(std::string_view& text, EventLine& event) {
  std::string_view word = take_word(text);
  if (all_digits(word) || (word.starts_with("(+") && word.ends_with(')'))) word = take_word(text);  // period, ts-diff
  return parse_name(word, event);
}

/// Reads words from the left until one is a time that a thread precedes and `accept` takes what follows it.
template <typename Accept>
std::optional<EventLine> find_time(std::string_view line, const Accept& accept) {
  if (line.starts_with('#')) return std::nullopt;
  std::string_view rest = line;
  for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
    if (!is_digit(word.front())) continue;
    EventLine event;
    std::string_view after = rest;
    if (!take_time(word, after, event) || !accept(after, event)) continue;
    const auto head = line.substr(0, static_cast<std::size_t>(word.data() - line.data()));
    if (parse_head(head, event, event.in_ticks)) return event;
  }
  return std::nullopt;
}

/// The position of `label` in `text`, at its beginning or after a blank; npos: it is not there.
std::size_t find_label(std::string_view text, std::string_view label) {
  for (std::size_t at = text.find(label); at != std::string_view::npos; at = text.find(label, at + 1)) {
    if (at == 0 || is_blank(text[at - 1])) return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<EventLine> parse_event_line(std::string_view line) {
  return find_time(line, [](std::string_view after, EventLine& event) {
    if (!take_name(after, event)) return false;
    while (!after.empty() && is_blank(after.front())) after.remove_prefix(1);
    event.fields = after;
    return true;
  });
}

RecordStart find_record_start(std::string_view line) {
  bool is_last = false;
  const bool found = find_time(line, [&](std::string_view after, EventLine&) {
                       is_last = trimmed(after).empty();
                       return true;
                     }).has_value();
  if (!found) return RecordStart::none;
  return is_last ? RecordStart::at_its_end : RecordStart::in_line;
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
