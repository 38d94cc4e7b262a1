#include "harness/kernel/vm_console.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "harness/os/printable.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr std::size_t kMostKept = 256 << 10;
constexpr std::size_t kWords = 3;   // lines of last_words()
constexpr std::size_t kLines = 20;  // of last_lines(), at least
constexpr std::size_t kMostLines = 60;
constexpr std::size_t kMostOfAWord = 120;
constexpr std::size_t kMostOfALine = 400;

/// What a kernel says of itself when something is wrong, the gravest first.
constexpr std::array<std::string_view, 8> kGrave = {
    "Kernel panic",       "BUG: ",       "Oops: ",        "WARNING: ",
    "detected stalls on", "soft lockup", "self-detected", "blocked for more than"};

/// Without the time in brackets.
std::string_view without_time(std::string_view line) {
  if (!line.starts_with('[')) return line;
  const std::size_t end = line.find("] ");
  return end == line.npos ? line : line.substr(end + 2);
}

/// The lines that are not blank, without what ends them.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::span<const std::string_view> last(const std::vector<std::string_view>& lines, std::size_t most) {
  return std::span(lines).last(std::min(most, lines.size()));
}

std::string in_words(std::string_view line) { return os::printable(without_time(line), kMostOfAWord); }

}  // namespace

void VmConsole::add(std::string_view bytes) {
  text_ += bytes;
  if (text_.size() > kMostKept) text_.erase(0, text_.size() - kMostKept / 2);
}

std::string VmConsole::last_words() const {
  const std::vector<std::string_view> lines = lines_of(text_);
  std::vector<std::string> words;
  for (const std::string_view line : last(lines, kWords)) words.push_back(in_words(line));
  const std::string grave = gravest();
  if (!grave.empty() && std::ranges::find(words, grave) == words.end()) words.insert(words.begin(), grave);
  return fmt::format("{}", fmt::join(words, " | "));
}

std::vector<std::string> VmConsole::last_lines() const {
  const std::vector<std::string_view> lines = lines_of(text_);
  const auto is_grave = [](std::string_view line) {
    return std::ranges::any_of(kGrave, [&](std::string_view grave) { return line.find(grave) != line.npos; });
  };
  const auto grave = std::ranges::find_if(lines, is_grave);
  const auto before_end = lines.end() - static_cast<std::ptrdiff_t>(std::min(kLines, lines.size()));
  const std::span from(std::min(grave, before_end), lines.end());
  std::vector<std::string> printable;
  for (const std::string_view line : from.first(std::min(kMostLines, from.size())))
    printable.push_back(os::printable(line, kMostOfALine));
  return printable;
}

std::string VmConsole::gravest() const {
  const std::vector<std::string_view> lines = lines_of(text_);
  for (const std::string_view grave : kGrave) {
    const auto line = std::ranges::find_if(lines, [&](std::string_view one) { return one.find(grave) != one.npos; });
    if (line != lines.end()) return in_words(*line);
  }
  return {};
}

}  // namespace shadowwalk::kernel
