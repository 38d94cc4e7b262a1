#pragma once

#include <string>
#include <string_view>

namespace shadowwalk::kernel {

/// Has the lab measure cells of --machine kernel, and those of --machine kernel-vm inside of the virtual machine, in
/// the kernel that runs here (set_kernel_machine()).
void add_kernel_machine();

/// What the virtual machine runs by in which this process is one of the agent's: `kvm` or `tcg`; empty: it is in none.
std::string accelerator_around();

/// Why nothing is timed in the kernel that runs here; empty: it is.
std::string_view why_untimed();

}  // namespace shadowwalk::kernel
