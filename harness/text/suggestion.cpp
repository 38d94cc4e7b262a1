#include "harness/text/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace shadowwalk {
namespace {

/// Number of edits between two short words: characters inserted, left out, replaced, or exchanged with their neighbour
/// (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // the row of i - 1, for a's first i characters
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

const std::string* nearest(std::string_view word, std::span<const std::string> candidates, std::size_t most_edits) {
  constexpr std::size_t kLongestWord = 64;
  const std::string* found = nullptr;
  if (word.size() > kLongestWord) return found;
  std::size_t least = most_edits + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      found = &candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::string* found = nearest(word, candidates, std::max<std::size_t>(2, word.size() / 3));
  return found == nullptr ? ";" : fmt::format(", did you mean '{}'?", *found);
}

}  // namespace shadowwalk
