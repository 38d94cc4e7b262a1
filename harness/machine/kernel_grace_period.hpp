#pragma once

#include <string>

/// Grace periods of the running kernel's own RCU, beside liburcu's (rcu.hpp): membarrier(MEMBARRIER_CMD_GLOBAL) is
/// synchronize_rcu() for user space (kernel/sched/membarrier.c, Linux 4.3; its name since 4.16).
namespace shadowwalk {

/// Why wait_for_kernel_grace_period() cannot wait for one here, in words; empty: it can. Cheap, thread-safe.
std::string why_no_kernel_grace_period();

/// Waits for a grace period of the running kernel: milliseconds, and as long as the kernel likes. Throws CellError when
/// the kernel refuses. Thread-safe.
void wait_for_kernel_grace_period();

}  // namespace shadowwalk
