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

}  // namespace shadowwalk::trace
