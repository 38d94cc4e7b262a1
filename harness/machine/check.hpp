#pragma once

#include <cstdio>
#include <cstdlib>

namespace shadowwalk {

/// A broken invariant of the lab itself: prints it and aborts, in every build. Continuing would measure nonsense.
[[noreturn]] inline void invariant_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "shadowwalk: broken invariant at %s:%d: %s\n", file, line, what);
  std::abort();
}

}  // namespace shadowwalk

#define SHADOWWALK_CHECK(condition, what) \
  ((condition) ? static_cast<void>(0) : ::shadowwalk::invariant_failed(what, __FILE__, __LINE__))
