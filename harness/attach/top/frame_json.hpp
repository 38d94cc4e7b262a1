#pragma once

#include <string>

#include "harness/attach/top/watch.hpp"

namespace shadowwalk::top {

/// A frame as a JSON object on one line, for scripts (docs/attach.md has its keys). Pure.
std::string json_of(const Frame& frame);

}  // namespace shadowwalk::top
