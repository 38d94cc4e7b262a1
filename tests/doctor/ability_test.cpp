#include "harness/doctor/report.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using testing::HasSubstr;

class AbilityTest : public test::DoctorTest {
 protected:
  Ability about(std::string_view name) const {
    for (const Ability& ability : examine(fake_.host()).abilities) {
      if (ability.name == name) return ability;
    }
    throw std::runtime_error("no ability " + std::string(name));
  }
};

TEST_F(AbilityTest, AGoodServerMeasuresEverything) {
  for (const Ability& ability : examine(fake_.host()).abilities) {
    EXPECT_EQ(ability.verdict, Verdict::yes) << ability.name << ": " << ability.how;
    EXPECT_TRUE(ability.mend.empty()) << ability.name;
  }
}

TEST_F(AbilityTest, WithoutPmuContentionIsEstimatedAndNeverDressedAsCounted) {
  fake_.live.pmu.unavailable = "no such event";
  fake_.live.pmu.rdpmc_unavailable = "no such event";
  fake_.remove("/sys/bus/event_source/devices/cpu");
  EXPECT_EQ(about("pmu_counts").verdict, Verdict::no);
  EXPECT_EQ(about("per_walk_rdpmc").verdict, Verdict::no);
  EXPECT_EQ(about("cacheline_contention").verdict, Verdict::partly);
  EXPECT_THAT(about("cacheline_contention").how, HasSubstr("an estimate"));
  EXPECT_FALSE(about("cacheline_contention").mend.empty());
}

TEST_F(AbilityTest, AKnownPmuWithoutContentionEventsEstimates) {
  fake_.live.pmu.has_contention_set = false;
  EXPECT_EQ(about("pmu_counts").verdict, Verdict::yes);
  EXPECT_EQ(about("cacheline_contention").verdict, Verdict::partly);
  EXPECT_THAT(about("cacheline_contention").how, HasSubstr("no known event of this CPU"));
}

TEST_F(AbilityTest, OneCpuHasNoContention) {
  fake_.live.allowed_cpus = {0};
  EXPECT_EQ(about("cacheline_contention").verdict, Verdict::no);
  EXPECT_EQ(about("walk_latency").verdict, Verdict::partly);
}

TEST_F(AbilityTest, AClockThatIsNoTsc) {
  fake_.live.clock_is_tsc = false;
  EXPECT_EQ(about("walk_latency").verdict, Verdict::partly);
}

TEST_F(AbilityTest, TracepointsNeedTracefsAndThePermission) {
  make_unprivileged(fake_);
  EXPECT_EQ(about("tracepoints").verdict, Verdict::no);
  EXPECT_THAT(about("tracepoints").how, HasSubstr("perf_event_paranoid is 2: own threads in user mode only"));
  EXPECT_EQ(about("tracepoints").mend.command, "sudo sysctl kernel.perf_event_paranoid=1");
  fake_.write("/proc/sys/kernel/perf_event_paranoid", "1\n");
  EXPECT_EQ(about("tracepoints").verdict, Verdict::yes);
  EXPECT_EQ(about("tracepoints").how, "/sys/kernel/tracing; kvm, kvmmmu events");
  fake_.remove("/sys/kernel/tracing/events");
  EXPECT_THAT(about("tracepoints").mend.command, HasSubstr("mount -t tracefs"));
}

TEST_F(AbilityTest, UsdtNeedsProbesAndATool) {
  EXPECT_EQ(about("usdt").how, "2 probes, by perf or bpftrace");
  fake_.live.is_root = false;
  EXPECT_EQ(about("usdt").how, "2 probes, by perf or bpftrace as root");
  fake_.live.tools = {};
  EXPECT_EQ(about("usdt").verdict, Verdict::no);
  EXPECT_EQ(about("usdt").mend.command, "sudo apt-get install linux-perf bpftrace");
  fake_.live.probes = {};
  EXPECT_THAT(about("usdt").how, HasSubstr("no probe"));
}

TEST_F(AbilityTest, WithoutKvmNoGuestsAndNoStatistics) {
  EXPECT_EQ(about("kvm_guests").how, "EPT, TDP MMU");
  fake_.live.kvm = {};
  fake_.live.kvm.open_error = ENOENT;
  fake_.live.kvm.unavailable = "/dev/kvm: No such file or directory";
  for (const char* name : {"kvm_guests", "kvm_statistics"}) {
    EXPECT_EQ(about(name).verdict, Verdict::no) << name;
    EXPECT_EQ(about(name).mend.command, "modprobe kvm_intel") << name;
  }
}

TEST_F(AbilityTest, WithoutCpufreqChangesAreOnlySeen) {
  fake_.remove("/sys/devices/system/cpu");
  EXPECT_EQ(about("frequency").verdict, Verdict::partly);
}

}  // namespace
}  // namespace shadowwalk::doctor
