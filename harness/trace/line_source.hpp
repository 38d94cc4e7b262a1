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
  /// Longer lines are cut off there: no tracepoint prints as much.
  static constexpr std::size_t kMaxLine = 1 << 14;

  virtual ~LineSource() = default;
  /// The next line without its newline, valid until the next call; nothing at the end. Throws InputError.
  std::optional<std::string_view> next();
  /// Number of the line that next() gave last; the first is 1.
  std::uint64_t line_number() const { return line_number_; }

 protected:
  /// Up to `capacity` bytes into `into`; 0 at the end. Throws InputError.
  virtual std::size_t read(char* into, std::size_t capacity) = 0;

 private:
  bool fill();

  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not given out yet
  std::uint64_t line_number_ = 0;
  bool at_end_ = false;
};

/// The lines of an open file or pipe, which stays its owner's. `name` stands for it in errors.
class DescriptorLines final : public LineSource {
 public:
  DescriptorLines(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

 protected:
  std::size_t read(char* into, std::size_t capacity) override;

 private:
  int fd_;
  std::string name_;
};

/// The lines of a text that outlives it.
class TextLines final : public LineSource {
 public:
  explicit TextLines(std::string_view text) : text_(text) {}

 protected:
  std::size_t read(char* into, std::size_t capacity) override;

 private:
  std::string_view text_;
};

}  // namespace shadowwalk::trace
