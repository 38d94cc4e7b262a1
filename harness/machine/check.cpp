#include "harness/machine/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace shadowwalk {

void invariant_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "shadowwalk: broken invariant at %s:%d: %s\n", file, line, what);
  std::abort();
}

}  // namespace shadowwalk
