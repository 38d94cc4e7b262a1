#pragma once

#include <cstdint>

#include "harness/guest/guest_params.hpp"

namespace shadowwalk {

/// Zipf's distribution over `pages` (1..2^36) pages: rank r, from 0, with a probability near 1/(r+1)^skew, 0 < skew
/// <= 4. The table's ranks are spread over the pages by a bijection: neighbours in rank lie far apart, as hot pages of
/// a guest do not all lie below one page table. Throws InputError, naming the range, for anything else.
ZipfTable make_zipf_table(std::uint64_t pages, double skew);

}  // namespace shadowwalk
