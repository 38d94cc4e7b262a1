#pragma once

#include <span>
#include <string>
#include <string_view>

namespace shadowwalk {

/// `, did you mean 'x'?` for the candidate nearest to a misspelt `word`, or `;` when none is near: the words between
/// a complaint and the list of what is known.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace shadowwalk
