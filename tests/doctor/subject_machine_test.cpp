#include <unistd.h>

#include "harness/doctor/subjects.hpp"
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

TEST_F(MachineTest, ManyRandomBitsStopThreadSanitizer) {
  EXPECT_EQ(about("aslr").state, State::ok);
  fake_.write("/proc/sys/vm/mmap_rnd_bits", "32\n");
  EXPECT_EQ(about("aslr").state, State::note);
  EXPECT_EQ(about("aslr").mend.command, "sysctl vm.mmap_rnd_bits=28");
  fake_.remove("/proc/sys/vm/mmap_rnd_bits");
  EXPECT_EQ(about("aslr").state, State::ok);
}

}  // namespace
}  // namespace shadowwalk::doctor
