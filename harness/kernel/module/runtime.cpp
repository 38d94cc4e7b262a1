// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// What a compiler and its library's headers call where there is no library, and what the lab's sources leave to their
// environment.
#include <cstddef>
#include <new>
#include <string_view>

#include "harness/kernel/module/glue.h"
#include "harness/machine/check.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/mmu/page_pool.hpp"

void* operator new(std::size_t bytes) { return swk_alloc(bytes); }
void* operator new[](std::size_t bytes) { return swk_alloc(bytes); }
void* operator new(std::size_t bytes, std::align_val_t) { return swk_alloc(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t) { return swk_alloc(bytes); }
void operator delete(void* memory) noexcept { swk_free(memory); }
void operator delete[](void* memory) noexcept { swk_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { swk_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { swk_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { swk_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { swk_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { swk_free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { swk_free(memory); }

extern "C" void __cxa_pure_virtual() { swk_invariant_failed("a pure virtual function was called", __FILE__, __LINE__); }

namespace std {
// Where a program would throw.
void __throw_length_error(const char* what) { swk_invariant_failed(what, __FILE__, __LINE__); }
void __throw_bad_alloc() { swk_invariant_failed("bad_alloc", __FILE__, __LINE__); }
void __throw_bad_array_new_length() { swk_invariant_failed("bad_array_new_length", __FILE__, __LINE__); }
}  // namespace std

namespace shadowwalk {

void invariant_failed(const char* what, const char* file, int line) { swk_invariant_failed(what, file, line); }

/// By the CPU: threads that free at the same time are on different ones.
std::size_t number_of_this_freer() { return swk_this_cpu() % FootprintCounters::kFreers; }

Reservation::Reservation(std::size_t bytes) : base_(swk_alloc_pages(bytes)), bytes_(bytes) {}
Reservation::~Reservation() { swk_free_pages(base_, bytes_); }

/// A vCPU looks for room before it faults (KernelVcpu::fault()).
void fail_exhausted_pool(std::size_t, std::size_t, std::string_view) {
  swk_invariant_failed("a fault found no page, although there was room for it", __FILE__, __LINE__);
}

}  // namespace shadowwalk
