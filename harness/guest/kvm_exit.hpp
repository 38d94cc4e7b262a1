#pragma once

#include <linux/kvm.h>

#include <string>

namespace shadowwalk::kvm {

/// An exit that no guest program should cause, in words: its name and what `run` tells of it.
/// ("KVM_EXIT_INTERNAL_ERROR: suberror 1, data 0x2 0x400000"). Makes no system call.
std::string describe_exit(const kvm_run& run);

}  // namespace shadowwalk::kvm
