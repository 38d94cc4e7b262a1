#include "harness/measure/quiet.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <utility>

#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk {

QuietWatch::QuietWatch(std::string proc_stat)
    : proc_stat_(std::move(proc_stat)), since_(Clock::now()), before_(activity()) {}

std::vector<std::string> QuietWatch::look() {
  const Clock::time_point now = Clock::now();
  const HostActivity after = activity();
  const double seconds = std::chrono::duration<double>(now - since_).count();
  const auto cpus = static_cast<unsigned>(os::allowed_cpus().size());
  const Noise noise{.duration_s = seconds,
                    .cpus = cpus,
                    .walkers = 0,
                    .busy_threads = cpus,
                    .steal_ns = after.steal_ns - before_.steal_ns,
                    .other_load_cpus = other_load_cpus(before_, after, seconds)};
  since_ = now;
  before_ = after;
  return noise_reasons(noise);
}

HostActivity QuietWatch::activity() const {
  HostActivity activity = host_activity(proc_stat_);
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  activity.own_ns += cpu_ns(children);
  return activity;
}

}  // namespace shadowwalk
