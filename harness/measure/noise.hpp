#pragma once

#include <cstdint>

namespace shadowwalk {

/// Involuntary context switches of the calling thread so far: an upper bound on the sections that lost their CPU.
std::uint64_t involuntary_switches_of_this_thread();

/// Time that the hypervisor below gave to others while this machine's CPUs wanted to run, all CPUs, in ns since boot;
/// resolution is one clock tick (10 ms at HZ = 100). 0 where /proc/stat does not tell.
std::uint64_t steal_ns();

/// MemAvailable of /proc/meminfo in bytes; 0 where it is not told.
std::uint64_t available_memory_bytes();

}  // namespace shadowwalk
