#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shadowwalk::kernel {

/// The end of what a kernel printed on its console. Not thread-safe.
class VmConsole {
 public:
  void add(std::string_view bytes);
  /// One printable line: what went wrong by the kernel's own words (its panic, its first BUG or WARNING), then its last
  /// lines. Empty: it printed nothing.
  std::string last_words() const;
  /// What went wrong, with the trace that follows, or, where the kernel does not say, the last 20 lines: those that are
  /// not blank, each printable and with its time.
  std::vector<std::string> last_lines() const;
  /// The first of the gravest things that the kernel said of itself (a panic, a BUG, a warning, a stall); empty: it had
  /// nothing to say.
  std::string gravest() const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace shadowwalk::kernel
