#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace shadowwalk {

/// The candidate most similar to a word of at most 64 bytes, in at most `most_edits` edits (one character more, less or
/// other, or two neighbours exchanged); nullptr: there is none.
const std::string* nearest(std::string_view word, std::span<const std::string> candidates, std::size_t most_edits);

/// `, did you mean 'x'?` for the candidate most similar to a misspelt `word`, or `;` if none is similar: the text
/// between an error and the list of valid names.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace shadowwalk
