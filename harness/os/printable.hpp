#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace shadowwalk::os {

/// Text of others (names, paths, what a program printed) as a terminal may show it, on one line: valid UTF-8 stays, but
/// for control characters (C0, DEL, C1), separators of lines and what turns the direction of writing; those, and bytes
/// that are no UTF-8, become \xNN or \u{NNNN}. Of more than `most` bytes the middle is left out.
std::string printable(std::string_view text, std::size_t most = std::numeric_limits<std::size_t>::max());

/// An error's message as a command prints it: one line, printable, its middle left out if it is longer than 2,000
/// bytes.
std::string error_line(std::string message);

}  // namespace shadowwalk::os
