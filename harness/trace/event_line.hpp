#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shadowwalk::trace {

/// Lines of text, in bounded memory.
class LineSource {
 public:
  /// Longer lines are truncated: no tracepoint prints that much.
  static constexpr std::size_t kMaxLine = 1 << 14;

  virtual ~LineSource() = default;
  /// The next line without its newline, valid until the next call; nothing at the end. Throws InputError.
  std::optional<std::string_view> next();
  /// Number of the line that next() returned last; the first is 1.
  std::uint64_t line_number() const { return line_number_; }
  /// Whether all bytes of the source have been read.
  bool at_end() const { return at_end_; }

 protected:
  /// Up to `capacity` bytes into `into`; 0 at the end. Throws InputError.
  virtual std::size_t read(char* into, std::size_t capacity) = 0;

 private:
  /// Reads on once `buffer_` is used up. False: at the end.
  bool fill();

  std::string line_;  // that next() returned last
  std::string buffer_;
  std::size_t begin_ = 0;  // of what next() has not looked at yet, in `buffer_`
  std::uint64_t line_number_ = 0;
  bool at_end_ = false;
};

/// An event in one line of `perf script`, `trace-cmd report` or ftrace's `trace` file. Views into the line.
struct EventLine {
  std::uint32_t process = 0;  ///< 0: not in the line
  std::uint32_t thread = 0;
  std::uint64_t time_ns = 0;  ///< of the host's trace clock
  std::string_view system;    ///< "kvm"; empty: not in the line
  std::string_view name;      ///< "kvm_mmio"
  std::string_view fields;    ///< what the tracepoint printed
};

/// The event of a line; nothing for a comment, a call chain or a header. Pure.
///
///     CPU 0/KVM  4242/4250 [003] 123.456789012: kvm:kvm_mmio: mmio write len 4 gpa 0xfe000000 val 0x1
///
/// The command's name may contain spaces, digits and colons; process/ and [cpu] may be absent; flags (`d..1.`) precede
/// the time, and a sample's period follows it.
std::optional<EventLine> parse_event_line(std::string_view line);

/// The fields that a tracepoint printed. A number is found both as the kernel's format prints it ("gfn 1f0", always
/// after `label`, in `base`) and as libtraceevent prints fields whose format it cannot evaluate ("gfn=0x1f0",
/// "role=4488").
class EventFields {
 public:
  explicit EventFields(std::string_view text) : text_(text) {}

  /// `label` as printed ("gpa "; 0x may follow it), `field` as in the tracepoint's format file.
  std::optional<std::uint64_t> number(std::string_view label, std::string_view field, int base) const;
  std::optional<std::uint64_t> hex(std::string_view label, std::string_view field) const {
    return number(label, field, 16);
  }
  /// Whether the text contains `word` between blanks.
  bool has_word(std::string_view word) const;
  /// The word after `label`, or a later one; an empty label is the beginning of the text. Empty if there is none.
  std::string_view word_after(std::string_view label, unsigned skipped = 0) const;

 private:
  std::string_view text_;
};

}  // namespace shadowwalk::trace
