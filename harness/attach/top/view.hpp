#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/attach/top/watch.hpp"

namespace shadowwalk::top {

/// The characters of a sparkline, from nothing to most.
enum class Blocks {
  unicode,  ///< eighths of a block, in UTF-8
  ascii,
};

/// `values` in `columns` characters or fewer, each as high as the greatest value in its part of them is against the
/// greatest of all. Pure.
std::string sparkline(std::span<const std::uint64_t> values, std::size_t columns, Blocks blocks);

/// A frame as lines of at most `columns` characters. Pure.
std::vector<std::string> lines_of(const Frame& frame, std::size_t columns, Blocks blocks);

}  // namespace shadowwalk::top
