#include "harness/attach/tools/shell_line.hpp"

#include <string_view>

namespace shadowwalk::tools {
namespace {

/// Whether no shell sees anything in it. `=` does only in an option: a first word with one is an assignment.
bool is_plain(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%";
  constexpr std::string_view kPlainInOptions =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%=";
  return !word.empty() &&
         word.find_first_not_of(word.front() == '-' ? kPlainInOptions : kPlain) == std::string_view::npos;
}

std::string shell_quoted(std::string_view word) {
  if (is_plain(word)) return std::string(word);
  std::string text = "'";
  for (const char letter : word) {
    if (letter == '\'') {
      text += "'\\''";
    } else {
      text += letter;
    }
  }
  return text + "'";
}

}  // namespace

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += shell_quoted(word);
  }
  return line;
}

}  // namespace shadowwalk::tools
