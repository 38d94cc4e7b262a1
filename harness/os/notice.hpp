#pragma once

#include <string_view>

namespace shadowwalk::os {

/// Prints `shadowwalk: TEXT` as a line on stderr. What cannot be written there is lost, and stops nothing.
void notice(std::string_view text);

/// The same without the prefix.
void notice_line(std::string_view line);

}  // namespace shadowwalk::os
