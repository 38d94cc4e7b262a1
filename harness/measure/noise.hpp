#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <vector>

#include "harness/os/allowed_cpus.hpp"

namespace shadowwalk {

/// Involuntary context switches of the calling thread so far: an upper bound on the sections that lost their CPU. (The
/// kernel's rseq would count section by section, but it takes each of the lab's IPIs, a signal, for a preemption too.)
std::uint64_t involuntary_switches_of_this_thread();

/// CPU time of the calling thread so far, including the guests that it ran.
std::uint64_t cpu_ns_of_this_thread();

/// User and system time.
std::uint64_t cpu_ns(const rusage& usage);

/// What CPUs have done since boot, in ns; resolution is one clock tick (10 ms at HZ = 100).
struct HostActivity {
  std::uint64_t steal_ns = 0;  ///< CPUs wanted to run, and the hypervisor below ran something else
  std::uint64_t busy_ns = 0;   ///< CPUs ran something
  std::uint64_t own_ns = 0;    ///< of that, this process
};
/// Adds up `cpus` alone: in a container, /proc/stat has the CPUs of the whole host, and a load beside the cpuset
/// disturbs nothing in it. Adds up all CPUs if the file lacks one of `cpus`: LXCFS numbers a container's CPUs anew.
/// `proc_stat`: a file like /proc/stat. What it does not contain is 0.
HostActivity host_activity(const std::string& proc_stat = "/proc/stat",
                           const std::vector<unsigned>& cpus = os::allowed_cpus());

/// What disturbed a cell during its measurement.
struct Noise {
  double duration_s = 0;
  unsigned cpus = 1;  ///< that the process may run on
  unsigned walkers = 1;
  unsigned busy_threads = 1;          ///< of the cell
  bool oversubscribed = false;        ///< more busy threads than CPUs
  std::uint64_t walker_switches = 0;  ///< involuntary context switches
  double walkers_off_cpu_ns = 0;      ///< of all walkers, which never sleep: the CPU was taken from them
  std::uint64_t zapper_switches = 0;  ///< involuntary context switches
  std::uint64_t steal_ns = 0;         ///< of these CPUs
  double other_load_cpus = 0;         ///< CPU time of other processes, in CPUs
  double core_speed = 0;              ///< of vCPU 0's CPU, see core_speed(); 0: not known
  double core_speed_change = 1;       ///< after over before, for the vCPU where it changed most
};

/// The CPU time that other processes took between two moments, `duration_s` apart, in CPUs. Never negative.
double other_load_cpus(const HostActivity& before, const HostActivity& after, double duration_s);

/// Beyond any of these limits a cell is NOISY. A quiet host stays well below each; a disturbance beyond them shifts a
/// walk's mean by more than the one or two per cent by which schemes differ.
struct NoiseLimits {
  static constexpr double kStealShare = 0.01;      ///< of the time that the cell's threads wanted
  static constexpr double kOtherLoadCpus = 0.1;    ///< plus ...
  static constexpr double kOtherLoadShare = 0.02;  ///< ... this part of all CPUs
  static constexpr double kOffCpuShare = 0.01;     ///< of the walkers' time; in an oversubscribed cell it is not noise
  static constexpr double kCoreSpeedChange = 0.05;
};

/// Why a cell with this noise is NOISY, one sentence per reason; empty if it is not.
std::vector<std::string> noise_reasons(const Noise& noise);

/// The speed of the calling thread's CPU in dependent multiplications per ns: the best of a few short tries, so that a
/// preemption does not count as a slow clock. Only ratios are meaningful: those of one CPU before and after show a
/// change of its frequency. Takes some 100 us and needs no PMU.
double core_speed();

}  // namespace shadowwalk
