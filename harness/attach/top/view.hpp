#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/attach/top/watch.hpp"

namespace shadowwalk::top {

/// The characters of a sparkline, from the lowest to the highest.
enum class Blocks {
  unicode,  ///< eighths of a block, in UTF-8
  ascii,
};

/// `values` in at most `columns` characters: the height of each is the greatest value in its part, relative to the
/// greatest of all. Pure.
std::string sparkline(std::span<const std::uint64_t> values, std::size_t columns, Blocks blocks);

/// A frame as lines of at most `columns` characters. Pure.
std::vector<std::string> lines_of(const Frame& frame, std::size_t columns, Blocks blocks);

/// A frame as a JSON object on one line, for scripts (docs/attach.md has its keys). Pure.
std::string json_of(const Frame& frame);

}  // namespace shadowwalk::top
