#pragma once

#include "harness/machine/sanitizers.hpp"

namespace shadowwalk::test {

#if defined(SHADOWWALK_TSAN) || defined(SHADOWWALK_ASAN)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Rounds of a stress test: all of them in a build without a sanitizer. With one, each takes many times as long, and
/// what it can tell (a race, a use after free) it tells in fewer, as it needs no unlucky moment to see it.
constexpr unsigned rounds(unsigned count) {
#if defined(SHADOWWALK_TSAN)
  return count / 10;
#elif defined(SHADOWWALK_ASAN)
  return count / 5;
#else
  return count;
#endif
}

}  // namespace shadowwalk::test
