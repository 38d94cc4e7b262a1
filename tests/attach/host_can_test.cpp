#include "harness/attach/tools/host_can.hpp"

#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HostCanTest : public doctor::test::DoctorTest {
 protected:
  HostCan can() const { return host_can(fake_.host()); }
  void set_paranoid(const char* level) { fake_.write("/proc/sys/kernel/perf_event_paranoid", level); }
};

TEST_F(HostCanTest, RootOnAServerCanDoEverything) {
  const HostCan all = can();
  for (const Lack* lack :
       {&all.perf, &all.bpftrace, &all.sampling, &all.tracepoints, &all.kvm_tracepoints, &all.memory_sampling}) {
    EXPECT_EQ(lack->why, "");
  }
  EXPECT_TRUE(all.cycles && all.kernel_side && all.whole_host);
  EXPECT_THAT(all.kvm_systems, ElementsAre("kvm", "kvmmmu"));
}

TEST_F(HostCanTest, ProgramsThatAreMissingAreNamedWithTheirPackage) {
  fake_.live.tools = {};
  EXPECT_EQ(can().perf.why, "perf is not on PATH: apt-get install linux-perf");
  EXPECT_EQ(can().bpftrace.why, "bpftrace is not on PATH: apt-get install bpftrace");
  make_unprivileged(fake_);
  EXPECT_EQ(can().perf.why, "perf is not on PATH: sudo apt-get install linux-perf");
  EXPECT_FALSE(can().perf.root_mends);
}

TEST_F(HostCanTest, AnOrdinaryUserSamplesUserSpaceAndPrintsTheRest) {
  make_unprivileged(fake_);
  EXPECT_EQ(can().sampling.why, "");
  EXPECT_FALSE(can().kernel_side);
  EXPECT_THAT(can().bpftrace.why, HasSubstr("needs root"));
  EXPECT_TRUE(can().bpftrace.root_mends);
  EXPECT_THAT(can().tracepoints.why, HasSubstr("perf_event_paranoid is 2"));
  EXPECT_THAT(can().tracepoints.why, HasSubstr("sudo sysctl kernel.perf_event_paranoid=1"));
  EXPECT_TRUE(can().tracepoints.root_mends);
  set_paranoid("3");
  EXPECT_THAT(can().sampling.why, HasSubstr("perf_event_paranoid is 3, nothing can be counted"));
  EXPECT_TRUE(can().sampling.root_mends);
  set_paranoid("1");
  EXPECT_TRUE(can().kernel_side && can().tracepoints.why.empty());
  EXPECT_FALSE(can().whole_host);
  set_paranoid("0");
  EXPECT_TRUE(can().whole_host);
}

TEST_F(HostCanTest, TracefsThatIsNotMountedIsNotMendedByRunningAsRoot) {
  make_unprivileged(fake_);
  fake_.remove("/sys/kernel/tracing");
  EXPECT_THAT(can().tracepoints.why, HasSubstr("tracefs is not mounted: sudo mount -t tracefs"));
  EXPECT_FALSE(can().tracepoints.root_mends);
}

TEST_F(HostCanTest, WithoutMemorySamplingTheNearestIsNamed) {
  fake_.remove("/sys/bus/event_source/devices/cpu/events");
  EXPECT_THAT(can().memory_sampling.why, HasSubstr("no event samples memory"));
  EXPECT_THAT(can().memory_sampling.why, HasSubstr("--what cpu"));
}

TEST_F(HostCanTest, KvmsTracepointsComeWithItsModule) {
  fake_.remove("/sys/kernel/tracing/events/kvm");
  fake_.remove("/sys/kernel/tracing/events/kvmmmu");
  EXPECT_EQ(can().tracepoints.why, "");
  EXPECT_THAT(can().kvm_tracepoints.why, HasSubstr("modprobe kvm"));
}

TEST_F(HostCanTest, WithoutProbesThereIsNothingForBpftrace) {
  fake_.live.probes = {};
  EXPECT_THAT(can().bpftrace.why, HasSubstr("no probe in this executable: build with systemtap-sdt-dev"));
}

}  // namespace
}  // namespace shadowwalk::tools
