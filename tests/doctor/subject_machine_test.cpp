#include <unistd.h>

#include "harness/doctor/finding.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;

class MachineTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_machine(fake_.host()), subject); }
};

TEST_F(MachineTest, BareMetal) {
  EXPECT_EQ(about("machine").state, State::ok);
  EXPECT_EQ(about("kernel").value, "6.1.0 x86_64");
}

TEST_F(MachineTest, VirtualBySignatureFlagOrDeviceTree) {
  fake_.live.hypervisor = "Microsoft Hv";
  EXPECT_EQ(about("machine").value, "virtual, under Microsoft Hv");
  EXPECT_EQ(about("machine").state, State::note);
  fake_.live.hypervisor = "";
  fake_.write("/proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
  EXPECT_EQ(about("machine").value, "virtual");
  fake_.write("/proc/cpuinfo", "flags\t\t: nohypervisor hypervisor_not\n");
  EXPECT_EQ(about("machine").state, State::ok);
  fake_.write("/sys/firmware/devicetree/base/hypervisor/compatible", "linux,kvm");
  EXPECT_EQ(about("machine").value, "virtual");
}

TEST_F(MachineTest, ClockOtherThanTheTsc) {
  EXPECT_EQ(about("clock").state, State::ok);
  EXPECT_EQ(about("clock").value, "tsc 2000.0 MHz, invariant; a read costs 9.5 ns");
  fake_.live.clock = "clock_gettime: TSC not invariant";
  fake_.live.clock_is_tsc = false;
  EXPECT_EQ(about("clock").state, State::note);
  EXPECT_FALSE(about("clock").mend.empty());
}

TEST_F(MachineTest, StealIsToldInSeconds) {
  EXPECT_EQ(about("steal").state, State::ok);
  EXPECT_THAT(about("steal").value, HasSubstr("none"));
  fake_.live.hypervisor = "KVMKVMKVM";
  const long ticks = 3 * sysconf(_SC_CLK_TCK);
  fake_.write("/proc/stat", "cpu  1 2 3 4 5 6 7 " + std::to_string(ticks) + " 9 10\n");
  EXPECT_EQ(about("steal").value, "3.0 s since boot, all CPUs");
  fake_.write("/proc/stat", "cpu  1 2 3 4 5 6 7\n");
  EXPECT_EQ(about("steal").state, State::lack);
  fake_.remove("/proc/stat");
  EXPECT_EQ(about("steal").state, State::lack);
}

TEST_F(MachineTest, MembarrierThatTheKernelRefuses) {
  EXPECT_EQ(about("membarrier").state, State::ok);
  fake_.live.membarrier_unavailable = "membarrier: Function not implemented";
  EXPECT_EQ(about("membarrier").state, State::lack);
  EXPECT_EQ(about("membarrier").value, "membarrier: Function not implemented");
}

TEST_F(MachineTest, DeniedCallsAreNamedWithWhatTheyCost) {
  EXPECT_EQ(about("system_calls").state, State::ok);
  fake_.live.denied_calls = {{"membarrier", "a seccomp filter kills the process", "no RCU"},
                             {"perf_event_open", "Operation not permitted", "no events"}};
  EXPECT_EQ(about("system_calls").state, State::lack);
  EXPECT_EQ(about("system_calls").value,
            "denied: membarrier (a seccomp filter kills the process), perf_event_open (Operation not permitted)");
  EXPECT_THAT(about("system_calls").meaning, AllOf(HasSubstr("no RCU"), HasSubstr("no events")));
  EXPECT_FALSE(about("system_calls").mend.empty());
}

TEST_F(MachineTest, ManyRandomBitsStopThreadSanitizer) {
  EXPECT_EQ(about("aslr").state, State::ok);
  fake_.write("/proc/sys/vm/mmap_rnd_bits", "32\n");
  EXPECT_EQ(about("aslr").state, State::note);
  EXPECT_EQ(about("aslr").mend.command, "sysctl vm.mmap_rnd_bits=28");
  fake_.remove("/proc/sys/vm/mmap_rnd_bits");
  EXPECT_EQ(about("aslr").state, State::ok);
}

using test::find;
using testing::HasSubstr;

class CpusTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_cpus(fake_.host()), subject); }
};

TEST_F(CpusTest, AllowedCpusAsRanges) {
  fake_.live.allowed_cpus = {0, 1, 2, 5, 7, 8};
  EXPECT_EQ(about("cpus").value, "6 allowed: 0-2,5,7-8 (online: 0-3)");
  EXPECT_EQ(about("cpus").state, State::ok);
  fake_.live.allowed_cpus = {3};
  EXPECT_EQ(about("cpus").state, State::lack);
  EXPECT_FALSE(about("cpus").mend.empty());
}

TEST_F(CpusTest, QuotaBelowTheCpusIsANote) {
  EXPECT_EQ(about("cpu_quota").value, "none");
  fake_.write("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  EXPECT_EQ(about("cpu_quota").state, State::note);
  EXPECT_EQ(about("cpu_quota").value, "1.50 CPUs");
  EXPECT_EQ(about("cpu_quota").mend.command, "echo max > /sys/fs/cgroup/user.slice/cpu.max");
  fake_.write("/sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n");
  EXPECT_EQ(about("cpu_quota").state, State::ok) << "as many as there are CPUs";
}

TEST_F(CpusTest, Isolation) {
  EXPECT_EQ(about("isolation").state, State::ok) << "this process runs on the isolated CPUs";
  fake_.live.allowed_cpus = {0, 1};
  fake_.write("/sys/devices/system/cpu/isolated", "2-3\n");
  EXPECT_EQ(about("isolation").mend.command, "taskset -c 2-3 shadowwalk run --out DIR");
  fake_.write("/sys/devices/system/cpu/isolated", "\n");
  fake_.write("/sys/devices/system/cpu/nohz_full", "(null)\n");
  EXPECT_EQ(about("isolation").value, "isolcpus: none; nohz_full: none");
  EXPECT_EQ(about("isolation").state, State::note);
  EXPECT_EQ(about("isolation").mend.command, "");
}

TEST_F(CpusTest, Smt) {
  EXPECT_EQ(about("smt").value, "off");
  fake_.write("/sys/devices/system/cpu/smt/active", "1\n");
  EXPECT_EQ(about("smt").state, State::note);
  EXPECT_TRUE(about("smt").mend.empty()) << "no control file";
  fake_.write("/sys/devices/system/cpu/smt/control", "on\n");
  EXPECT_EQ(about("smt").mend.command, "echo off > /sys/devices/system/cpu/smt/control");
  fake_.remove("/sys/devices/system/cpu/smt");
  EXPECT_EQ(about("smt").value, "not reported");
}

TEST_F(CpusTest, GovernorsOfTheAllowedCpus) {
  EXPECT_EQ(about("governor").state, State::ok);
  EXPECT_EQ(about("governor").value, "performance (intel_pstate)");
  fake_.write("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
  EXPECT_EQ(about("governor").state, State::note);
  EXPECT_EQ(about("governor").value, "performance, powersave (intel_pstate)");
  EXPECT_EQ(about("governor").mend.command,
            "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
  fake_.live.allowed_cpus = {0, 1};
  EXPECT_EQ(about("governor").state, State::ok) << "other CPUs' governors do not matter";
}

TEST_F(CpusTest, NoCpufreq) {
  for (const char* cpu : {"0", "1", "2", "3"}) {
    fake_.remove(std::string("/sys/devices/system/cpu/cpu") + cpu + "/cpufreq");
  }
  EXPECT_EQ(about("governor").value, "no cpufreq");
  EXPECT_THAT(about("governor").mend.advice, HasSubstr("cpufreq driver"));
  fake_.live.hypervisor = "KVMKVMKVM";
  EXPECT_THAT(about("governor").mend.advice, HasSubstr("it cannot be changed here"));
}

TEST_F(CpusTest, BoostIsTurnedOffByTheDriversOwnSwitch) {
  EXPECT_EQ(about("boost").value, "off");
  fake_.write("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  EXPECT_EQ(about("boost").mend.command, "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo");
  fake_.remove("/sys/devices/system/cpu/intel_pstate");
  fake_.write("/sys/devices/system/cpu/cpufreq/boost", "1\n");
  EXPECT_EQ(about("boost").state, State::note);
  EXPECT_EQ(about("boost").mend.command, "echo 0 > /sys/devices/system/cpu/cpufreq/boost");
  fake_.write("/sys/devices/system/cpu/cpufreq/boost", "0\n");
  EXPECT_EQ(about("boost").value, "off");
  fake_.remove("/sys/devices/system/cpu/cpufreq/boost");
  EXPECT_EQ(about("boost").value, "not reported");
}

using test::find;
using testing::HasSubstr;

class MemorySubjectTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_memory(fake_.host()), subject); }
};

TEST_F(MemorySubjectTest, AvailableMemory) {
  EXPECT_EQ(about("memory").state, State::ok);
  EXPECT_EQ(about("memory").value, "61.0 GiB available");
  fake_.write("/proc/meminfo", "MemAvailable: 524288 kB\n");
  EXPECT_EQ(about("memory").state, State::note);
  EXPECT_EQ(about("memory").value, "512 MiB available");
  fake_.remove("/proc/meminfo");
  EXPECT_EQ(about("memory").state, State::lack);
}

TEST_F(MemorySubjectTest, LimitOfTheControlGroup) {
  EXPECT_EQ(about("memory_limit").value, "none");
  fake_.write("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n");
  fake_.write("/sys/fs/cgroup/user.slice/memory.current", "536870912\n");
  EXPECT_EQ(about("memory_limit").state, State::note);
  EXPECT_EQ(about("memory_limit").value, "1.0 GiB (512 MiB used)");
  EXPECT_EQ(about("memory_limit").mend.command, "echo max > /sys/fs/cgroup/user.slice/memory.max");
  fake_.write("/proc/meminfo", "MemAvailable: 1024 kB\n");
  EXPECT_EQ(about("memory_limit").state, State::ok) << "the host has less than the group may take";
}

TEST_F(MemorySubjectTest, NumaNodesAreCounted) {
  EXPECT_EQ(about("numa").value, "1 node");
  fake_.make_folder("/sys/devices/system/node/node1");
  fake_.write("/sys/devices/system/node/has_memory", "0-1");
  EXPECT_EQ(about("numa").value, "2 nodes");
  EXPECT_EQ(about("numa").state, State::note);
  fake_.remove("/sys/devices/system/node");
  EXPECT_EQ(about("numa").value, "not reported");
}

TEST_F(MemorySubjectTest, TransparentHugePages) {
  EXPECT_EQ(about("thp").value, "madvise");
  fake_.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  EXPECT_EQ(about("thp").state, State::note);
  EXPECT_EQ(about("thp").mend.command, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  for (const char* odd : {"", "always", "][", "["}) {
    fake_.write("/sys/kernel/mm/transparent_hugepage/enabled", odd);
    EXPECT_EQ(about("thp").value, "not reported") << odd;
  }
}

TEST_F(MemorySubjectTest, ReservedHugePagesAreMemoryThatTheLabLacks) {
  EXPECT_EQ(about("huge_pages").state, State::ok);
  fake_.write("/proc/sys/vm/nr_hugepages", "512\n");
  EXPECT_EQ(about("huge_pages").state, State::note);
  EXPECT_EQ(about("huge_pages").mend.command, "sysctl vm.nr_hugepages=0");
}

TEST_F(MemorySubjectTest, SecPageTablesNeedAKernel) {
  EXPECT_EQ(about("sec_page_tables").value, "16 KiB");
  fake_.write("/proc/meminfo", "MemAvailable: 64000000 kB\n");
  EXPECT_EQ(about("sec_page_tables").state, State::lack);
  EXPECT_THAT(about("sec_page_tables").mend.advice, HasSubstr("6.1"));
}

}  // namespace

}  // namespace shadowwalk::doctor
