#include <sys/fsuid.h>
#include <unistd.h>

#include "harness/doctor/finding.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;

class CountingTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_counting(fake_.host()), subject); }
  void take_pmu_away() {
    fake_.remove("/sys/bus/event_source/devices/cpu");
    fake_.live.pmu.unavailable = "no such event";
    fake_.live.pmu.rdpmc_unavailable = "no such event";
  }
};

TEST_F(CountingTest, PmuIsNamedWithItsCounters) {
  EXPECT_EQ(about("pmu").state, State::ok);
  EXPECT_EQ(about("pmu").value, "Intel Sapphire Rapids, libpfm4: spr, 8 counters per thread");
  EXPECT_EQ(about("rdpmc").state, State::ok);
}

TEST_F(CountingTest, PmuThatLibpfmDoesNotKnowIsANote) {
  fake_.live.pmu.name = "";
  EXPECT_EQ(about("pmu").state, State::note);
  EXPECT_THAT(about("pmu").value, HasSubstr("libpfm4 does not know this CPU"));
}

TEST_F(CountingTest, MemoryIsSampledByWhatEachVendorHas) {
  EXPECT_EQ(about("memory_sampling").state, State::ok);
  EXPECT_EQ(about("memory_sampling").value, "cpu");
  fake_.remove("/sys/bus/event_source/devices/cpu/events");
  EXPECT_EQ(about("memory_sampling").state, State::lack);
  EXPECT_THAT(about("memory_sampling").mend.advice, HasSubstr("AMD IBS"));
  for (const char* name : {"ibs_op", "arm_spe_0"}) {
    fake_.make_folder(std::string("/sys/bus/event_source/devices/") + name);
    EXPECT_EQ(about("memory_sampling").value, name);
    fake_.remove(std::string("/sys/bus/event_source/devices/") + name);
  }
  take_pmu_away();
  EXPECT_EQ(about("memory_sampling").mend.advice, about("pmu").mend.advice);
}

TEST_F(CountingTest, VirtualMachineWithoutPmuCannotBeMended) {
  take_pmu_away();
  fake_.live.hypervisor = "KVMKVMKVM";
  EXPECT_EQ(about("pmu").state, State::lack);
  EXPECT_EQ(about("pmu").value, "no hardware PMU");
  EXPECT_EQ(about("pmu").mend.command, "");
  EXPECT_THAT(about("pmu").mend.advice, HasSubstr("pmu=on"));
  EXPECT_EQ(about("rdpmc").state, State::lack);
  EXPECT_EQ(about("rdpmc").mend.advice, about("pmu").mend.advice);
}

TEST_F(CountingTest, HardwareWithoutPmuDriverIsToldApart) {
  take_pmu_away();
  EXPECT_THAT(about("pmu").mend.advice, HasSubstr("driver"));
}

TEST_F(CountingTest, ParanoidKernelKeepsThePmuFromAUser) {
  make_unprivileged(fake_);
  fake_.write("/proc/sys/kernel/perf_event_paranoid", "3\n");
  fake_.live.pmu.unavailable = "not permitted";
  fake_.live.pmu.rdpmc_unavailable = "not permitted";
  for (const char* subject : {"pmu", "rdpmc", "perf_event_paranoid"}) {
    EXPECT_EQ(about(subject).state, State::lack) << subject;
    EXPECT_EQ(about(subject).mend.command, "sudo sysctl kernel.perf_event_paranoid=1") << subject;
  }
  EXPECT_EQ(about("pmu").value, "not permitted");
}

TEST_F(CountingTest, PmuThatIsRefusedToRootIsNotTheParanoidLevelsFault) {
  fake_.write("/proc/sys/kernel/perf_event_paranoid", "3\n");
  fake_.live.pmu.unavailable = "not permitted";
  EXPECT_EQ(about("pmu").mend.command, "");
  EXPECT_THAT(about("pmu").mend.advice, HasSubstr("seccomp"));
}

TEST_F(CountingTest, ParanoidLevels) {
  EXPECT_EQ(about("perf_event_paranoid").value, "2, which CAP_PERFMON overrides");
  make_unprivileged(fake_);
  const auto state_at = [&](const char* level) {
    fake_.write("/proc/sys/kernel/perf_event_paranoid", level);
    return about("perf_event_paranoid").state;
  };
  EXPECT_EQ(state_at("-1\n"), State::ok);
  EXPECT_EQ(state_at("1\n"), State::ok);
  EXPECT_EQ(state_at("2\n"), State::lack);
  EXPECT_THAT(about("perf_event_paranoid").meaning, HasSubstr("user mode only"));
  EXPECT_EQ(state_at("4\n"), State::lack);
  EXPECT_THAT(about("perf_event_paranoid").meaning, HasSubstr("nothing can be counted"));
  fake_.remove("/proc/sys/kernel/perf_event_paranoid");
  EXPECT_EQ(about("perf_event_paranoid").value, "not reported");
  EXPECT_EQ(about("perf_event_paranoid").state, State::lack);
}

TEST_F(CountingTest, CapPerfmonAloneIsEnough) {
  make_unprivileged(fake_);
  fake_.write("/proc/self/status", "CapEff:\t0000004000000000\n");
  EXPECT_EQ(about("perf_event_paranoid").state, State::ok);
  fake_.write("/proc/self/status", "CapEff:\t0000002000000000\n");
  EXPECT_EQ(about("perf_event_paranoid").state, State::lack) << "another capability";
}

TEST_F(CountingTest, ForbiddenRdpmc) {
  fake_.live.pmu.rdpmc_unavailable = "the kernel forbids rdpmc";
  fake_.write("/sys/bus/event_source/devices/cpu/rdpmc", "0\n");
  EXPECT_EQ(about("rdpmc").value, "forbidden");
  EXPECT_EQ(about("rdpmc").mend.command, "echo 1 > /sys/bus/event_source/devices/cpu/rdpmc");
  make_unprivileged(fake_);
  EXPECT_EQ(about("rdpmc").mend.command, "echo 1 | sudo tee /sys/bus/event_source/devices/cpu/rdpmc");
}

TEST_F(CountingTest, RdpmcThatNoSettingForbids) {
  fake_.live.pmu.rdpmc_unavailable = "self-reading is done on x86 only";
  EXPECT_EQ(about("rdpmc").state, State::lack);
  EXPECT_EQ(about("rdpmc").value, "self-reading is done on x86 only");
  EXPECT_FALSE(about("rdpmc").mend.empty());
}

TEST_F(CountingTest, FamiliesOfPmusAreShortened) {
  for (const char* name : {"uncore_imc_0", "uncore_imc_1", "uncore_imc_10", "cbox7", "msr"}) {
    fake_.make_folder(std::string("/sys/bus/event_source/devices/") + name);
  }
  EXPECT_EQ(about("perf_pmus").value, "cbox7, cpu, msr, software, uncore_imc x3");
  fake_.remove("/sys/bus");
  EXPECT_EQ(about("perf_pmus").state, State::lack);
}

using test::find;

/// While it lives, this thread opens files as an ordinary user does, also where tests run as root.
class OrdinaryUser {
 public:
  OrdinaryUser() : old_(setfsuid(kNobody)) {}
  ~OrdinaryUser() { setfsuid(static_cast<uid_t>(old_)); }

 private:
  static constexpr uid_t kNobody = 65534;
  int old_;
};

class TracingTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_tracing(fake_.host()), subject); }
  void close(std::string_view path) { std::filesystem::permissions(fake_.on_host(path), std::filesystem::perms::none); }
  void open_up(std::string_view path) {  // so that it can be removed
    std::filesystem::permissions(fake_.on_host(path), std::filesystem::perms::owner_all);
  }
};

TEST_F(TracingTest, MountedTracefsTellsOfKvm) {
  EXPECT_EQ(about("tracefs").state, State::ok);
  EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing; kvm, kvmmmu events");
  fake_.remove("/sys/kernel/tracing/events/kvm");
  fake_.remove("/sys/kernel/tracing/events/kvmmmu");
  EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing; no kvm events");
}

TEST_F(TracingTest, BelowDebugfsItCountsToo) {
  fake_.remove("/sys/kernel/tracing");
  fake_.make_folder("/sys/kernel/debug/tracing/events");
  EXPECT_EQ(about("tracefs").state, State::ok);
}

TEST_F(TracingTest, UnmountedTracefsIsMounted) {
  fake_.remove("/sys/kernel/tracing/events");
  EXPECT_EQ(about("tracefs").state, State::lack);
  EXPECT_EQ(about("tracefs").value, "tracefs is not mounted");
  EXPECT_EQ(about("tracefs").mend.command, "mount -t tracefs nodev /sys/kernel/tracing");
  make_unprivileged(fake_);
  EXPECT_EQ(about("tracefs").mend.command, "sudo mount -t tracefs -o mode=750,gid=$(id -g) nodev /sys/kernel/tracing")
      << "else it would be root's only";
}

TEST_F(TracingTest, KernelWithoutTracefs) {
  fake_.remove("/sys/kernel/tracing");
  fake_.write("/proc/filesystems", "nodev\tsysfs\nnodev\tnottracefs\n");
  EXPECT_EQ(about("tracefs").value, "no tracefs in this kernel");
  EXPECT_EQ(about("tracefs").mend.command, "");
  EXPECT_FALSE(about("tracefs").mend.empty());
}

TEST_F(TracingTest, ClosedTracefsIsOpened) {
  make_unprivileged(fake_);
  std::filesystem::permissions(fake_.on_host("/"), std::filesystem::perms::all);
  close("/sys/kernel/tracing");
  {
    const OrdinaryUser user;
    EXPECT_EQ(about("tracefs").state, State::lack);
    EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing is closed to this user");
    EXPECT_EQ(about("tracefs").mend.command, "sudo mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing");
  }
  open_up("/sys/kernel/tracing");
}

TEST_F(TracingTest, OpenFoldersWithClosedIdsAreClosed) {
  make_unprivileged(fake_);
  std::filesystem::permissions(fake_.on_host("/"), std::filesystem::perms::all);
  close("/sys/kernel/tracing/events/sched/sched_switch/id");
  {
    const OrdinaryUser user;
    EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing is closed to this user");
  }
  open_up("/sys/kernel/tracing/events/sched/sched_switch/id");
}

TEST_F(TracingTest, ProbesAreCountedAndNamed) {
  EXPECT_EQ(about("usdt").value, "2 probes");
  EXPECT_EQ(about("usdt").meaning, "shadowwalk:retire shadowwalk:zap");
  fake_.live.probes = {};
  EXPECT_EQ(about("usdt").state, State::lack);
}

TEST_F(TracingTest, OnlyMissingToolsAreInstalled) {
  EXPECT_EQ(about("tools").state, State::ok);
  EXPECT_TRUE(about("tools").mend.empty());
  fake_.live.tools = {"perf"};
  EXPECT_EQ(about("tools").state, State::note);
  EXPECT_EQ(about("tools").value, "perf only");
  EXPECT_EQ(about("tools").mend.command, "apt-get install bpftrace");
  fake_.live.tools = {};
  EXPECT_EQ(about("tools").state, State::lack);
  EXPECT_EQ(about("tools").mend.command, "apt-get install linux-perf bpftrace");
}

}  // namespace

}  // namespace shadowwalk::doctor
