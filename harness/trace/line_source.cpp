#include "harness/trace/line_source.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk::trace {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;

}  // namespace

bool LineSource::fill() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + kReadBytes);
  const std::size_t count = read(buffer_.data() + held, kReadBytes);
  buffer_.resize(held + count);
  at_end_ = count == 0;
  return !at_end_;
}

std::optional<std::string_view> LineSource::next() {
  std::size_t searched = 0;
  bool skipping = false;  // the rest of a line that is too long
  std::string cut;
  while (true) {
    const std::size_t newline = buffer_.find('\n', begin_ + searched);
    if (newline != std::string::npos) {
      const std::string_view line(buffer_.data() + begin_, newline - begin_);
      begin_ = newline + 1;
      ++line_number_;
      if (skipping) {
        buffer_.replace(0, 0, cut);  // kept alive by the buffer
        begin_ += cut.size();
        return std::string_view(buffer_).substr(0, cut.size());
      }
      return line.substr(0, kMaxLine);
    }
    if (buffer_.size() - begin_ > kMaxLine) {
      if (!skipping) cut.assign(buffer_, begin_, kMaxLine);
      skipping = true;
      begin_ = buffer_.size();
    }
    searched = buffer_.size() - begin_;
    if (fill()) continue;
    if (searched == 0 && !skipping) return std::nullopt;
    buffer_ = skipping ? cut : buffer_.substr(begin_);  // the last line has no newline
    begin_ = buffer_.size();
    ++line_number_;
    return buffer_;
  }
}

std::size_t DescriptorLines::read(char* into, std::size_t capacity) {
  while (true) {
    const ssize_t count = ::read(fd_, into, capacity);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw InputError(fmt::format("{}: {}", name_, std::strerror(errno)));
  }
}

std::size_t TextLines::read(char* into, std::size_t capacity) {
  const std::size_t count = std::min(capacity, text_.size());
  text_.copy(into, count);
  text_.remove_prefix(count);
  return count;
}

}  // namespace shadowwalk::trace
