#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace shadowwalk::trace {

/// One line of `perf script`, `trace-cmd report` or ftrace's `trace` file that tells an event. Views into the line.
struct EventLine {
  std::uint32_t process = 0;  ///< 0: the line does not tell
  std::uint32_t thread = 0;
  std::uint64_t time_ns = 0;  ///< of the host's trace clock
  std::string_view system;    ///< "kvm"; empty: the line does not tell
  std::string_view name;      ///< "kvm_mmio"
  std::string_view fields;    ///< what the tracepoint printed
};

/// Nothing for a line that is no event: a comment, a call chain, a header. Pure.
///
///     CPU 0/KVM  4242/4250 [003] 123.456789012: kvm:kvm_mmio: mmio write len 4 gpa 0xfe000000 val 0x1
///
/// The command's name may hold spaces, digits and colons; process/ and [cpu] may be absent, flags (`d..1.`) stand
/// before the time, a sample's period after it.
std::optional<EventLine> parse_event_line(std::string_view line);

/// What a tracepoint printed, by field. A number is found as the kernel's format prints it ("gfn 1f0", always after
/// `label`, in `base`) and as libtraceevent prints fields whose format it cannot evaluate ("gfn=0x1f0", "role=4488").
class EventFields {
 public:
  explicit EventFields(std::string_view text) : text_(text) {}

  /// `label` as printed ("gpa "; 0x may follow it), `field` as in the tracepoint's format file.
  std::optional<std::uint64_t> number(std::string_view label, std::string_view field, int base) const;
  std::optional<std::uint64_t> hex(std::string_view label, std::string_view field) const {
    return number(label, field, 16);
  }
  /// Whether `word` stands there between blanks.
  bool has_word(std::string_view word) const;
  /// The words after `label`, and of the whole text; empty if there is none.
  std::string_view word_after(std::string_view label) const;
  std::string_view second_word_after(std::string_view label) const;
  std::string_view first_word() const;

 private:
  std::string_view text_;
};

}  // namespace shadowwalk::trace
