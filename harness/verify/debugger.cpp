#include "harness/verify/debugger.hpp"

// Not inlined, and not left out for doing nothing.
[[gnu::noinline]] void shadowwalk_replay_step(std::size_t number, const char* what) {
  asm volatile("" : : "r"(number), "r"(what) : "memory");
}
[[gnu::noinline]] void shadowwalk_replay_wrong(const char* what) { asm volatile("" : : "r"(what) : "memory"); }
