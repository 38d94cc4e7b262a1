#pragma once

/// SHADOWWALK_TSAN is defined in ThreadSanitizer builds, by g++ and clang: for the few places that have to tell
/// ThreadSanitizer what it cannot see, and for stress tests that do fewer rounds under it.
#if defined(__SANITIZE_THREAD__)
#define SHADOWWALK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHADOWWALK_TSAN 1
#endif
#endif
