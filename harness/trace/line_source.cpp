#include "harness/trace/line_source.hpp"

#include <algorithm>

namespace shadowwalk::trace {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;

}  // namespace

bool LineSource::fill() {
  if (at_end_) return false;
  buffer_.resize(kReadBytes);
  buffer_.resize(read(buffer_.data(), kReadBytes));
  begin_ = 0;
  at_end_ = buffer_.empty();
  return !at_end_;
}

std::optional<std::string_view> LineSource::next() {
  if (begin_ == buffer_.size() && !fill()) return std::nullopt;
  ++line_number_;
  line_.clear();
  do {
    const std::size_t newline = buffer_.find('\n', begin_);
    const std::size_t end = std::min(newline, buffer_.size());
    line_.append(buffer_, begin_, std::min(end - begin_, kMaxLine - line_.size()));
    begin_ = end + 1;
    if (newline != std::string::npos) return line_;
  } while (fill());
  return line_;  // the last one has no newline
}

}  // namespace shadowwalk::trace
