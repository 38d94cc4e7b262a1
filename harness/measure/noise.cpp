#include "harness/measure/noise.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>

namespace shadowwalk {

std::uint64_t involuntary_switches_of_this_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

std::uint64_t cpu_ns_of_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

namespace {

/// By label: `cpu` for all CPUs, `cpu3` for one that is online.
std::map<std::string, HostActivity> read_proc_stat(const std::string& proc_stat) {
  const std::uint64_t tick_ns = 1'000'000'000u / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  std::map<std::string, HostActivity> lines;
  std::ifstream file(proc_stat);
  for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
    std::istringstream words(line);
    std::string label;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    if (!(words >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal)) break;
    // `user` holds the guests' time too
    lines[label] = {.steal_ns = steal * tick_ns, .busy_ns = (user + nice + system + irq + softirq) * tick_ns};
  }
  return lines;
}

}  // namespace

std::uint64_t cpu_ns(const rusage& usage) {
  const auto ns = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_usec) * 1000u;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

HostActivity host_activity(const std::string& proc_stat, const std::vector<unsigned>& cpus) {
  std::map<std::string, HostActivity> lines = read_proc_stat(proc_stat);
  HostActivity activity;
  const auto line_of = [](unsigned cpu) { return fmt::format("cpu{}", cpu); };
  const bool has_all = std::ranges::all_of(cpus, [&](unsigned cpu) { return lines.contains(line_of(cpu)); });
  if (cpus.empty() || !has_all) {
    activity = lines["cpu"];
  } else {
    for (const unsigned cpu : cpus) {
      const HostActivity& of_cpu = lines.at(line_of(cpu));
      activity.steal_ns += of_cpu.steal_ns;
      activity.busy_ns += of_cpu.busy_ns;
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  activity.own_ns = cpu_ns(usage);
  return activity;
}

double other_load_cpus(const HostActivity& before, const HostActivity& after, double duration_s) {
  if (duration_s <= 0) return 0;
  const double all = static_cast<double>(after.busy_ns) - static_cast<double>(before.busy_ns);
  const double own = static_cast<double>(after.own_ns) - static_cast<double>(before.own_ns);
  return std::max(0.0, (all - own) / (duration_s * 1e9));
}

std::vector<std::string> noise_reasons(const Noise& noise) {
  using Limits = NoiseLimits;
  std::vector<std::string> reasons;
  const double wanted_ns = noise.duration_s * 1e9 * std::min(noise.busy_threads, noise.cpus);
  const double stolen = wanted_ns > 0 ? static_cast<double>(noise.steal_ns) / wanted_ns : 0;
  if (stolen > Limits::kStealShare) {
    reasons.push_back(fmt::format("the hypervisor took {:.1f} % of the CPU time (steal)", stolen * 100));
  }
  if (noise.other_load_cpus > Limits::kOtherLoadCpus + Limits::kOtherLoadShare * noise.cpus) {
    reasons.push_back(fmt::format("other processes took {:.2f} of {} CPUs", noise.other_load_cpus, noise.cpus));
  }
  const double walking_ns = noise.duration_s * 1e9 * noise.walkers;
  const double off_cpu = walking_ns > 0 ? noise.walkers_off_cpu_ns / walking_ns : 0;
  if (!noise.oversubscribed && off_cpu > Limits::kOffCpuShare) {
    reasons.push_back(fmt::format("vCPUs were off their CPUs for {:.1f} % of the time", off_cpu * 100));
  }
  if (std::abs(noise.core_speed_change - 1) > Limits::kCoreSpeedChange) {
    reasons.push_back(fmt::format("a vCPU's CPU ran at {:.2f} times its earlier speed", noise.core_speed_change));
  }
  return reasons;
}

double core_speed() {
  constexpr int kTries = 8;
  constexpr int kMultiplications = 10'000;  // some 10 us: long against a clock read, short against a time slice
  double best = 0;
  std::uint64_t product = 3;
  for (int i = 0; i < kTries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (int j = 0; j < kMultiplications; ++j) {
      product *= 0x9e37'79b9'7f4a'7c15;
      asm volatile("" : "+r"(product));  // one multiplication per round, which waits for the previous one
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    if (took.count() > 0) best = std::max(best, kMultiplications / took.count());
  }
  return best;
}

}  // namespace shadowwalk
