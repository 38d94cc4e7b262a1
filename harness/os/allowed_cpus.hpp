#pragma once

#include <vector>

namespace shadowwalk::os {

/// The CPUs that the calling thread may run on, ascending: of a cpuset, or all. Empty if the kernel does not say.
std::vector<unsigned> allowed_cpus();

}  // namespace shadowwalk::os
