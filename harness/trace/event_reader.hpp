#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/trace/event_line.hpp"
#include "harness/trace/line_source.hpp"
#include "harness/trace/unread_format.hpp"

namespace shadowwalk::trace {

/// An event of a text. Views, which are valid until the next call of EventReader::next().
struct TextEvent {
  EventLine line;
  std::uint64_t line_number = 0;  ///< of its first line
  /// Something wrapped the line, and this is how it reads if a break was inside a word; `line` reads each break as a
  /// blank. The text does not show which is right.
  std::optional<EventLine> broken_in_words;
};

/// Gives the events of a text, in its order, and keeps what the other lines say. A line that a mailer or a terminal
/// wrapped is joined with those that continue it, with or without "> " before them. In bounded memory.
class EventReader {
 public:
  /// `lines` must outlive the object.
  explicit EventReader(LineSource& lines) : lines_(lines) {}

  /// Nothing at the end. Throws InputError if the source does.
  std::optional<TextEvent> next();

  std::uint64_t lines() const { return lines_.line_number(); }
  std::uint64_t joined_lines() const { return joined_lines_; }
  /// Lines with a part of an event only: its thread and time, or its name.
  std::uint64_t cut_lines() const { return cut_lines_; }
  std::uint64_t lost() const { return lost_; }  ///< events that the recorder reports as lost
  /// Places where the recorder lost events and does not say how many, and the first one's line.
  std::uint64_t uncounted_losses() const { return uncounted_losses_; }
  std::uint64_t first_uncounted_loss() const { return first_uncounted_loss_; }
  /// The format of the first line that shows an unread one, and its number; only before the first event.
  const UnreadFormat& unread_format() const { return unread_format_; }
  std::uint64_t unread_line() const { return unread_line_; }

 private:
  /// One event's lines, joined in the two ways that a break can be meant.
  struct Held {
    std::vector<char> text;
    std::vector<char> tight_text;    // only if it has several lines
    std::optional<EventLine> event;  // in `text`
    std::uint64_t line_number = 0;
    unsigned lines = 0;           // 0: nothing is held
    std::size_t last_length = 0;  // of the last line
    bool begins_record = false;   // an event's thread and time, whose name may follow
  };

  void take(std::string_view text, Held& held) const;
  bool continue_held(std::string_view text);
  std::optional<TextEvent> held_event();
  bool note_loss(std::string_view line);
  void note_unread(std::string_view line);

  LineSource& lines_;
  Held held_;               // the current event, which further lines may continue
  Held ahead_;              // the line that ended it
  bool is_closed_ = false;  // a blank line or a comment ended what is held
  // Breaks at a fixed column may be inside words. Lines of different lengths were broken between words.
  std::size_t wrap_column_ = 0;
  bool wraps_between_words_ = false;
  bool saw_event_ = false;
  std::uint64_t joined_lines_ = 0;
  std::uint64_t cut_lines_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t uncounted_losses_ = 0;
  std::uint64_t first_uncounted_loss_ = 0;
  UnreadFormat unread_format_;
  std::uint64_t unread_line_ = 0;
};

}  // namespace shadowwalk::trace
