#pragma once

#include <sched.h>

#include <vector>

namespace shadowwalk::test {

/// The CPUs that the calling thread may run on, in order.
inline std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace shadowwalk::test
