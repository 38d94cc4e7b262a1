#pragma once

#include <string>

namespace shadowwalk::kernel {

/// The first process of the virtual machine: mounts what programs expect, loads the module, and runs the jobs that come
/// over the second serial port, one at a time, until the other side is gone; then it switches the machine off. Throws
/// InputError if this is not the first process of a machine. Does not return otherwise. `accelerator`: what the machine
/// runs by, for kAcceleratorVariable.
[[noreturn]] void run_vm_agent(const std::string& accelerator);

/// The environment variable that the agent sets for its jobs: the name of the accelerator.
inline constexpr const char* kAcceleratorVariable = "SHADOWWALK_VM_ACCELERATOR";

}  // namespace shadowwalk::kernel
