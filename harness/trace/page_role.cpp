#include "harness/trace/page_role.hpp"

namespace shadowwalk::trace {
namespace {

constexpr std::uint64_t bits(unsigned first, unsigned last) {
  return ((std::uint64_t{2} << last) - 1) & ~((std::uint64_t{1} << first) - 1);
}

/// Between 2.6.35 and 4.1, bits 10-15 are zero as well for an indirect page without the right to write or execute, but
/// then bit 16 is the user's right and the lowest bits are a level.
bool is_before_2_6_35(std::uint64_t word) {
  if ((word & bits(10, 15)) != 0 || (word & bits(4, 7)) == 0) return false;
  const bool direct = (word & bits(16, 16)) != 0;
  return direct == ((word & bits(0, 3)) == 0);
}

}  // namespace

PageRole page_role(std::uint64_t word) {
  if (is_before_2_6_35(word)) {
    return {.level = static_cast<unsigned>(word >> 4 & 0xf), .direct = (word & bits(16, 16)) != 0};
  }
  const std::uint64_t direct = (word & bits(7, 12)) == 0 ? bits(13, 13) : bits(7, 7);
  return {.level = static_cast<unsigned>(word & 0xf), .direct = (word & direct) != 0};
}

}  // namespace shadowwalk::trace
