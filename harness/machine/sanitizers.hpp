#pragma once

/// SHADOWWALK_TSAN and SHADOWWALK_ASAN are defined in builds with ThreadSanitizer and AddressSanitizer, by g++ and
/// clang: for the few places that must annotate for ThreadSanitizer what it cannot see, and for stress tests that do
/// fewer rounds under them.
#if defined(__SANITIZE_THREAD__)
#define SHADOWWALK_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define SHADOWWALK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHADOWWALK_TSAN 1
#elif __has_feature(address_sanitizer)
#define SHADOWWALK_ASAN 1
#endif
#endif
