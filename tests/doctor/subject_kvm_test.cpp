#include "harness/doctor/finding.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;
using testing::Not;

class KvmTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_kvm(fake_.host()), subject); }
  void fail_with(int error, const char* reason) {
    fake_.live.kvm = {};
    fake_.live.kvm.open_error = error;
    fake_.live.kvm.unavailable = reason;
  }
};

TEST_F(KvmTest, EptWithTdpMmuOnBareMetal) {
  EXPECT_EQ(about("kvm").state, State::ok);
  EXPECT_EQ(about("kvm_kind").state, State::ok);
  EXPECT_EQ(about("kvm_kind").value, "EPT, TDP MMU");
  EXPECT_EQ(about("kvm_kind").meaning, "known from kvm_intel.ept");
  fake_.write("/sys/module/kvm/parameters/tdp_mmu", "N\n");
  EXPECT_EQ(about("kvm_kind").value, "EPT");
}

TEST_F(KvmTest, NptIsToldByZeroAndOne) {
  fake_.remove("/sys/module/kvm_intel");
  fake_.write("/sys/module/kvm_amd/parameters/npt", "1\n");
  EXPECT_EQ(about("kvm_kind").value, "NPT, TDP MMU");
  fake_.write("/sys/module/kvm_amd/parameters/npt", "0\n");
  EXPECT_EQ(about("kvm_kind").state, State::note);
  EXPECT_EQ(about("kvm_kind").value, "shadow paging (NPT is off)");
  EXPECT_EQ(about("kvm_kind").mend.command, "sh -c 'modprobe -r kvm_amd && modprobe kvm_amd npt=1'");
}

TEST_F(KvmTest, NestedIsInferredFromTheHypervisor) {
  fake_.write("/proc/cpuinfo", "flags\t\t: fpu vmx hypervisor tsc\n");
  EXPECT_EQ(about("kvm_kind").state, State::note);
  EXPECT_EQ(about("kvm_kind").value, "EPT, TDP MMU, nested");
  EXPECT_THAT(about("kvm_kind").meaning, HasSubstr("known from kvm_intel.ept; inferred: inside a VM"));
}

TEST_F(KvmTest, PvmIsShadowPaging) {
  fake_.remove("/sys/module/kvm_intel");
  fake_.write("/sys/module/kvm_pvm/parameters/force", "N\n");
  fake_.write("/sys/module/kvm/parameters/tdp_mmu", "N\n");
  EXPECT_EQ(about("kvm_kind").value, "shadow paging (PVM)");
}

TEST_F(KvmTest, UnknownModules) {
  fake_.remove("/sys/module/kvm_intel");
  EXPECT_EQ(about("kvm_kind").value, "two-dimensional paging");
  EXPECT_THAT(about("kvm_kind").meaning, HasSubstr("inferred"));
  fake_.remove("/sys/module/kvm");
  EXPECT_EQ(about("kvm_kind").value, "unknown");
  EXPECT_EQ(about("kvm_kind").state, State::note);
}

TEST_F(KvmTest, ParametersThatAreNotTold) {
  fake_.remove("/sys/module/kvm_intel/parameters");
  fake_.make_folder("/sys/module/kvm_intel");
  EXPECT_EQ(about("kvm_kind").value, "not reported");
}

TEST_F(KvmTest, AbsentDeviceIsMendedByTheCpusModule) {
  fail_with(ENOENT, "/dev/kvm: No such file or directory (load kvm_intel or kvm_amd)");
  EXPECT_EQ(about("kvm").state, State::lack);
  EXPECT_EQ(about("kvm").value, "/dev/kvm: No such file or directory") << "the remedy stands in mend";
  EXPECT_EQ(about("kvm").mend.command, "modprobe kvm_intel");
  make_unprivileged(fake_);
  fake_.write("/proc/cpuinfo", "flags : fpu svm\n");
  EXPECT_EQ(about("kvm").mend.command, "sudo modprobe kvm_amd");
  fake_.write("/proc/cpuinfo", "flags : fpu svm_lock hypervisor\n");
  EXPECT_EQ(about("kvm").mend.command, "");
  EXPECT_THAT(about("kvm").mend.advice, HasSubstr("nested virtualisation"));
  fake_.write("/proc/cpuinfo", "flags : fpu\n");
  EXPECT_THAT(about("kvm").mend.advice, HasSubstr("firmware"));
}

TEST_F(KvmTest, ClosedDeviceIsMendedByItsGroupIfItHasOne) {
  make_unprivileged(fake_);
  fail_with(EACCES, "/dev/kvm: Permission denied");
  fake_.live.kvm.group = "kvm";
  EXPECT_EQ(about("kvm").mend.command, "sudo usermod -aG kvm $USER");
  fake_.live.kvm.group = "";
  EXPECT_EQ(about("kvm").mend.command, "sudo setfacl -m u:$USER:rw /dev/kvm");
  fake_.live.is_root = true;
  EXPECT_THAT(about("kvm").mend.advice, HasSubstr("container"));
}

TEST_F(KvmTest, DeviceThatOpensAndDoesNotServe) {
  fail_with(0, "/dev/kvm: KVM_CREATE_VM: Device or resource busy");
  EXPECT_EQ(about("kvm").state, State::lack);
  EXPECT_FALSE(about("kvm").mend.empty());
  EXPECT_THAT(about("kvm_kind").value, Not(HasSubstr("nested")));
}

TEST_F(KvmTest, StatisticsNeedAKernelOrKvm) {
  EXPECT_EQ(about("kvm_statistics").state, State::ok);
  fake_.live.kvm.statistics = false;
  EXPECT_EQ(about("kvm_statistics").value, "not in this kernel");
  EXPECT_THAT(about("kvm_statistics").mend.advice, HasSubstr("5.14"));
  fail_with(ENOENT, "/dev/kvm: No such file or directory");
  EXPECT_EQ(about("kvm_statistics").value, "no KVM");
  EXPECT_EQ(about("kvm_statistics").mend.command, "modprobe kvm_intel");
}

TEST_F(KvmTest, VcpuLimits) {
  EXPECT_EQ(about("kvm_vcpus").value, "recommended: 4; at most: 1024");
  fake_.live.kvm.max_vcpus = 0;
  EXPECT_EQ(about("kvm_vcpus").value, "recommended: 4; at most: not reported");
}

}  // namespace
}  // namespace shadowwalk::doctor
