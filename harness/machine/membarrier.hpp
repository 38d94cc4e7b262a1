#pragma once

#include <string>

namespace shadowwalk {

/// Registers the process for expedited private barriers. Call it before threads start: registering later waits for a
/// grace period of every CPU. Returns an empty string, or the reason why the kernel refuses.
std::string register_membarrier();

/// A full barrier on every CPU that runs a thread of this process, by real IPIs (MEMBARRIER_CMD_PRIVATE_EXPEDITED).
/// CPUs that run no thread of this process get none. register_membarrier() must have succeeded.
void membarrier_all();

}  // namespace shadowwalk
