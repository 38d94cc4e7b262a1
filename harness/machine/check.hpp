// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

namespace shadowwalk {

/// A broken invariant of the lab itself: prints it and aborts, in every build. Continuing would measure nonsense.
/// (check.cpp: another environment supplies its own.)
[[noreturn]] void invariant_failed(const char* what, const char* file, int line);

}  // namespace shadowwalk

#define SHADOWWALK_CHECK(condition, what) \
  ((condition) ? static_cast<void>(0) : ::shadowwalk::invariant_failed(what, __FILE__, __LINE__))
