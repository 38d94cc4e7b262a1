#include "harness/trace/event_reader.hpp"

#include <utility>

#include "harness/trace/lost_events.hpp"

namespace shadowwalk::trace {
namespace {

/// Lines that one event may be wrapped into.
constexpr unsigned kMaxLinesPerEvent = 16;

/// Without the marks that a mailer puts before quoted lines, and without the byte order mark of UTF-8.
std::string_view unquoted(std::string_view line) {
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (const std::size_t first = line.find_first_not_of(' '); first != std::string_view::npos && line[first] == '>') {
    line.remove_prefix(first);
  }
  while (line.starts_with('>')) {
    line.remove_prefix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  return line;
}

/// Not the lines of a call chain, which are indented or begin with an arrow, and not a message of the kernel's log: "[
/// 12.345678] ".
bool may_continue(std::string_view text) {
  if (text.starts_with('[')) return text.size() > 1 && !is_blank(text[1]) && (text[1] < '0' || text[1] > '9');
  return !is_blank(text.front()) && !text.starts_with("=>");
}

std::string_view view(const std::vector<char>& text) { return {text.data(), text.size()}; }

}  // namespace

/// Makes a line the first of what is held.
void EventReader::take(std::string_view text, Held& held) const {
  held.text.assign(text.begin(), text.end());
  held.tight_text.clear();
  held.event = parse_event_line(view(held.text));
  held.line_number = lines_.line_number();
  held.lines = 1;
  held.last_length = text.size();
  held.begins_record = false;
}

/// Joins a line with what is held. False: there is nothing that it could continue.
bool EventReader::continue_held(std::string_view text) {
  if (held_.lines == 0 || is_closed_ || held_.lines == kMaxLinesPerEvent) return false;
  if (held_.text.size() + text.size() >= LineSource::kMaxLine) return false;
  if (held_.lines == 1) held_.tight_text = held_.text;
  while (!held_.tight_text.empty() && held_.tight_text.back() == '\r') held_.tight_text.pop_back();
  if (wrap_column_ == 0) wrap_column_ = held_.last_length;
  if (held_.last_length != wrap_column_) wraps_between_words_ = true;
  held_.last_length = text.size();
  held_.tight_text.insert(held_.tight_text.end(), text.begin(), text.end());
  held_.text.push_back(' ');
  held_.text.insert(held_.text.end(), text.begin(), text.end());
  ++held_.lines;
  ++joined_lines_;
  return true;
}

/// The event of what is held, which is then no longer held.
std::optional<TextEvent> EventReader::held_event() {
  is_closed_ = false;
  const bool is_joined = std::exchange(held_.lines, 0) > 1;
  if (is_joined) held_.event = parse_event_line(view(held_.text));
  std::optional<EventLine> tight;
  if (is_joined && !wraps_between_words_) tight = parse_event_line(view(held_.tight_text));
  if (!held_.event && !tight) {
    if (held_.begins_record) ++cut_lines_;
    return std::nullopt;
  }
  saw_event_ = true;
  if (!held_.event) std::swap(held_.event, tight);
  if (is_joined && find_record_start(held_.event->fields) != RecordStart::none) ++cut_lines_;  // it holds another event
  return TextEvent{*held_.event, held_.line_number, tight};
}

/// False: the line says nothing about losses.
bool EventReader::note_loss(std::string_view line) {
  const auto loss = lost_events(line);
  if (!loss) return false;
  lost_ += loss->count;
  if (!loss->is_counted && uncounted_losses_++ == 0) first_uncounted_loss_ = lines_.line_number();
  return true;
}

void EventReader::note_unread(std::string_view line) {
  if (!line.starts_with('#') && names_kvm_event(line)) ++cut_lines_;
  if (saw_event_ || !unread_format_.name.empty()) return;
  unread_format_ = unread_line_format(line);
  unread_line_ = lines_.line_number();
}

std::optional<TextEvent> EventReader::next() {
  std::swap(held_, ahead_);  // the views of its event stay valid: the text does not move
  ahead_.lines = 0;
  while (const auto line = lines_.next()) {
    const std::string_view text = unquoted(*line);
    if (trimmed(text).empty() || text.front() == '#') {
      note_loss(text);
      note_unread(text);
      is_closed_ = true;
      continue;
    }
    take(text, ahead_);
    if (!ahead_.event) {
      const RecordStart start = find_record_start(text);
      ahead_.begins_record = start == RecordStart::at_its_end;
      const bool is_loss = note_loss(text);
      if (start == RecordStart::none) {
        ahead_.lines = 0;
        if (is_loss || !may_continue(text) || !continue_held(text)) note_unread(text);
        continue;
      }
      if (!ahead_.begins_record) note_unread(text);
    }
    if (held_.lines != 0) {
      if (auto complete = held_event()) return complete;
    }
    std::swap(held_, ahead_);
    ahead_.lines = 0;
    is_closed_ = false;
  }
  return held_.lines == 0 ? std::nullopt : held_event();
}

}  // namespace shadowwalk::trace
