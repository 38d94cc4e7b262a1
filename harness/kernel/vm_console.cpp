#include "harness/kernel/vm_console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <sstream>

#include "harness/os/printable.hpp"

namespace shadowwalk::kernel {
namespace {

constexpr std::size_t kMostKept = 256 << 10;
constexpr std::size_t kLastLines = 3;
constexpr std::size_t kMostOfALine = 120;

/// What a kernel says of itself when something is wrong, the gravest first.
constexpr std::array<std::string_view, 7> kGrave = {
    "Kernel panic", "BUG: ", "Oops: ", "WARNING: ", "detected stalls on", "soft lockup", "rcu_preempt self-detected"};

/// Without the time in brackets.
std::string_view without_time(std::string_view line) {
  if (!line.starts_with('[')) return line;
  const std::size_t end = line.find("] ");
  return end == line.npos ? line : line.substr(end + 2);
}

}  // namespace

void VmConsole::add(std::string_view bytes) {
  text_ += bytes;
  if (text_.size() > kMostKept) text_.erase(0, text_.size() - kMostKept / 2);
}

std::string VmConsole::last_words() const {
  std::istringstream stream(text_);
  std::array<std::string, kGrave.size()> grave;
  std::deque<std::string> last;
  for (std::string line; std::getline(stream, line);) {
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.pop_back();
    if (line.empty()) continue;
    std::string words = os::printable(without_time(line), kMostOfALine);
    for (std::size_t i = 0; i < kGrave.size(); ++i) {
      if (grave[i].empty() && words.find(kGrave[i]) != words.npos) grave[i] = words;
    }
    last.push_back(std::move(words));
    if (last.size() > kLastLines) last.pop_front();
  }
  std::string text;
  const auto add = [&](const std::string& words) { text += (text.empty() ? "" : " | ") + words; };
  const auto gravest = std::ranges::find_if(grave, [](const std::string& words) { return !words.empty(); });
  if (gravest != grave.end() && std::ranges::find(last, *gravest) == last.end()) add(*gravest);
  for (const std::string& words : last) add(words);
  return text;
}

}  // namespace shadowwalk::kernel
