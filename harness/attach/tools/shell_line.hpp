#pragma once

#include <string>
#include <vector>

namespace shadowwalk::tools {

/// The words as one line that a POSIX shell takes apart into exactly these words again.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace shadowwalk::tools
