#include "harness/doctor/subjects.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

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
  EXPECT_EQ(about("smt").value, "not told");
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
  EXPECT_THAT(about("governor").mend.advice, HasSubstr("nothing mends it here"));
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
  EXPECT_EQ(about("boost").value, "not told");
}

}  // namespace
}  // namespace shadowwalk::doctor
