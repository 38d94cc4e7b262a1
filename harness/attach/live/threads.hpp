#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace shadowwalk::live {

/// The thread ids of a process by role, as the names tell that the lab gives to a cell's threads: `vcpu-N`, `zapper-N`
/// and `reclaim-N` are vcpu, zapper and reclaim, each in the order of N; the thread that the process began with is
/// main; what else there is, other. Empty if the process is gone, or may not be looked at.
std::map<std::string, std::vector<pid_t>> threads_by_role(pid_t pid);

}  // namespace shadowwalk::live
