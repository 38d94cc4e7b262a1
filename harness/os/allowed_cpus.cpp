#include "harness/os/allowed_cpus.hpp"

#include <sched.h>

#include <cstddef>

namespace shadowwalk::os {

std::vector<unsigned> allowed_cpus() {
  constexpr unsigned kMost = 1u << 20;
  for (unsigned most = 1024; most <= kMost; most *= 2) {  // the kernel refuses a mask that is shorter than its own
    std::vector<cpu_set_t> set(most / CPU_SETSIZE);
    const std::size_t bytes = set.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, set.data()) != 0) continue;
    std::vector<unsigned> cpus;
    for (unsigned cpu = 0; cpu < most; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set.data())) cpus.push_back(cpu);
    }
    return cpus;
  }
  return {};
}

}  // namespace shadowwalk::os
