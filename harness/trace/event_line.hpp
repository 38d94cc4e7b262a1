#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace shadowwalk::trace {

/// Blanks between the columns of a line. A text with the line ends of other systems has '\r' before the newline.
constexpr bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\0');
}
/// Without the blanks at both ends.
std::string_view trimmed(std::string_view text);

/// An event in one line of `perf script`, `trace-cmd report` or ftrace's `trace` file. Views into the line.
struct EventLine {
  /// EventLine::thread of a task that was dead when its event was recorded: perf prints -1.
  static constexpr std::uint32_t kDeadThread = UINT32_MAX;

  std::uint32_t process = 0;  ///< 0: the line does not name it
  bool has_process = false;   ///< whether there is a column for it, even if it names none: "-1/-1", "(-------)"
  std::uint32_t thread = 0;
  std::uint64_t time_ns = 0;  ///< of the host's trace clock
  bool in_ticks = false;      ///< the clock counts no seconds (x86-tsc, counter, uptime): `time_ns` is its count
  std::string_view command;   ///< the thread's name: "CPU 0/KVM"
  std::string_view system;    ///< "kvm"; empty: not in the line
  std::string_view name;      ///< "kvm_mmio"
  std::string_view fields;    ///< what the tracepoint printed
};

/// The event of a line; nothing for a comment, a call chain or a header. Pure.
///
///     CPU 0/KVM  4242/4250 [003] 123.456789012: kvm:kvm_mmio: mmio write len 4 gpa 0xfe000000 val 0x1
///     CPU 0/KVM-4250  (   4242) [003] d..1.  123.456789: kvm_mmio: mmio write len 4 gpa 0xfe000000 val 0x1
///      CPU 0/K-4250    3d..1 123456789us : kvm_mmio: mmio write len 4 gpa 0xfe000000 val 0x1
///
/// The command's name may contain spaces, digits and colons; process and CPU may be absent; flags (`d..1.`) precede
/// the time, and a sample's period or trace-cmd's difference of times follows it.
std::optional<EventLine> parse_event_line(std::string_view line);

/// Where a line that is no event tells a thread and a time, and so begins something of its own.
enum class RecordStart {
  none,
  in_line,     ///< something follows the time: a record that is no event
  at_its_end,  ///< nothing follows it: the event's name may be in the next line
};
RecordStart find_record_start(std::string_view line);

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
