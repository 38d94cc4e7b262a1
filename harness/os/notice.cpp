#include "harness/os/notice.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace shadowwalk::os {

void notice(std::string_view text) { notice_line(fmt::format("shadowwalk: {}", text)); }

void notice_line(std::string_view line) {
  const std::string whole = fmt::format("{}\n", line);
  std::fwrite(whole.data(), 1, whole.size(), stderr);  // fmt::print() would throw
}

}  // namespace shadowwalk::os
