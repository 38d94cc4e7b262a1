#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/doctor/finding.hpp"
#include "harness/doctor/host.hpp"
#include "tests/os/fake_files.hpp"

namespace shadowwalk::doctor::test {

/// A host that is made up: its files stand in a folder of their own, what it would answer stands in `live`.
class FakeHost : public os::test::FakeFiles {
 public:
  Host host() const { return {files(), live, facts}; }

  LiveFacts live;
  host::HostFacts facts;
};

/// A server without a fault, run by root: two sockets' worth of nothing to complain about but that it is no laptop.
inline void make_bare_metal(FakeHost& fake) {
  fake.write("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmx tsc\n");
  fake.write("/proc/stat", "cpu  1 2 3 4 5 6 7 0 0 0\n");
  fake.write("/proc/meminfo", "MemTotal: 65000000 kB\nMemAvailable:   64000000 kB\nSecPageTables:     16 kB\n");
  fake.write("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
  fake.write("/proc/self/cgroup", "0::/user.slice\n");
  fake.write("/proc/filesystems", "nodev\tsysfs\nnodev\ttracefs\n");
  fake.write("/proc/sys/kernel/perf_event_paranoid", "2\n");
  fake.write("/proc/sys/vm/mmap_rnd_bits", "28\n");
  fake.write("/proc/sys/vm/nr_hugepages", "0\n");
  fake.write("/sys/devices/system/cpu/online", "0-3\n");
  fake.write("/sys/devices/system/cpu/isolated", "0-3\n");
  fake.write("/sys/devices/system/cpu/nohz_full", "0-3\n");
  fake.write("/sys/devices/system/cpu/smt/active", "0\n");
  for (const char* cpu : {"cpu0", "cpu1", "cpu2", "cpu3"}) {
    const std::string folder = std::string("/sys/devices/system/cpu/") + cpu + "/cpufreq/";
    fake.write(folder + "scaling_governor", "performance\n");
    fake.write(folder + "scaling_driver", "intel_pstate\n");
  }
  fake.write("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  fake.make_folder("/sys/devices/system/node/node0");
  fake.write("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  fake.write("/sys/bus/event_source/devices/cpu/rdpmc", "1\n");
  fake.write("/sys/bus/event_source/devices/cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3\n");
  fake.make_folder("/sys/bus/event_source/devices/software");
  fake.write("/sys/kernel/tracing/events/sched/sched_switch/id", "300\n");
  fake.make_folder("/sys/kernel/tracing/events/kvm");
  fake.make_folder("/sys/kernel/tracing/events/kvmmmu");
  fake.write("/sys/module/kvm_intel/parameters/ept", "Y\n");
  fake.write("/sys/module/kvm/parameters/tdp_mmu", "Y\n");

  fake.live = {};
  fake.live.pmu = {.unavailable = "",
                   .rdpmc_unavailable = "",
                   .name = "spr",
                   .microarchitecture = "Intel Sapphire Rapids",
                   .counters = 8,
                   .has_contention_set = true};
  fake.live.kvm = {
      .unavailable = "", .open_error = 0, .group = "", .recommended_vcpus = 4, .max_vcpus = 1024, .statistics = true};
  fake.live.kernel_cells = {.release = "6.1.0",
                            .device = "/dev/shadowwalk, module 0.1.0, ABI 1, 31 of 31 variants",
                            .device_unavailable = "",
                            .is_loaded = true,
                            .module_file = "/root/.cache/shadowwalk/modules/6.1.0/shadowwalk.ko",
                            .build_unavailable = "",
                            .qemu = "/usr/bin/qemu-system-x86_64",
                            .kvm_unavailable = "",
                            .images = {"6.1.0 (/boot/vmlinuz-6.1.0)"},
                            .image_unavailable = ""};
  fake.live.clock = "tsc 2000.0 MHz, invariant";
  fake.live.clock_is_tsc = true;
  fake.live.clock_read_ns = 9.5;
  fake.live.kernel = "6.1.0 x86_64";
  fake.live.allowed_cpus = {0, 1, 2, 3};
  fake.live.probes = {"shadowwalk:retire", "shadowwalk:zap"};
  fake.live.tools = {"perf", "bpftrace"};
  fake.facts = {.floors = {.xchg_ns = 5.7,
                           .mfence_ns = 23.1,
                           .line_transfer_ns = 50.0,
                           .signal_ipi_ns = 1900.0,
                           .membarrier_global_ns_p50 = 5.85e6,
                           .membarrier_global_ns_p99 = 9.9e6,
                           .unavailable = {}},
                .kernel = {.release = "6.1.0",
                           .hz = 250,
                           .preemption = "voluntary",
                           .preemption_source = "preempt= at boot",
                           .rcu_expedited = false,
                           .rcu_normal = false,
                           .nohz_full = "",
                           .has_lazy_callbacks = false,
                           .unavailable = {}},
                .cpu = "Xeon",
                .cpus = 4,
                .is_virtual_machine = false};
  fake.live.is_root = true;
}

/// The same as an ordinary user.
inline void make_unprivileged(FakeHost& fake) {
  fake.live.is_root = false;
  fake.write("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
}

inline const Finding& find(const std::vector<Finding>& findings, std::string_view subject) {
  for (const Finding& finding : findings) {
    if (finding.subject == subject) return finding;
  }
  throw std::runtime_error("no finding about " + std::string(subject));
}

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() { make_bare_metal(fake_); }
  FakeHost fake_;
};

}  // namespace shadowwalk::doctor::test
