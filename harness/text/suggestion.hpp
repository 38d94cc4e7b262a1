#pragma once

#include <span>
#include <string>
#include <string_view>

namespace shadowwalk {

/// `, did you mean 'x'?` for the candidate most similar to a misspelt `word`, or `;` if none is similar: the text
/// between an error and the list of valid names.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace shadowwalk
