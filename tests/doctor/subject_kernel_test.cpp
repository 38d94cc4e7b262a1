#include "harness/doctor/finding.hpp"
#include "harness/doctor/report.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;

class KernelCellsTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_kernel_cells(fake_.host()), subject); }
  Ability can(std::string_view name) const {
    for (const Ability& ability : examine(fake_.host()).abilities) {
      if (ability.name == name) return ability;
    }
    throw std::runtime_error("no such ability");
  }
  LiveFacts::KernelCells& facts() { return fake_.live.kernel_cells; }
  void unload() {
    facts().device = "";
    facts().is_loaded = false;
    facts().device_unavailable = "the module is not loaded: `shadowwalk kernel build`, then `shadowwalk kernel load`";
  }
};

TEST_F(KernelCellsTest, AModuleThatAnswers) {
  EXPECT_EQ(about("kernel_module").value, "/dev/shadowwalk, module 0.1.0, ABI 1, 31 of 31 variants");
  EXPECT_EQ(can("kernel_cells").how, about("kernel_module").value);
}

TEST_F(KernelCellsTest, AModuleThatIsBuiltIsLoadedAndOneThatIsNotIsBuiltFirst) {
  unload();
  EXPECT_EQ(about("kernel_module").value, "the module is not loaded");
  EXPECT_EQ(about("kernel_module").mend.command, "shadowwalk kernel load");
  EXPECT_EQ(can("kernel_cells").mend.command, "shadowwalk kernel load");
  make_unprivileged(fake_);
  EXPECT_EQ(about("kernel_module").mend.command, "sudo shadowwalk kernel load");
  facts().module_file = "";
  EXPECT_EQ(about("kernel_module").mend.command, "shadowwalk kernel build && sudo shadowwalk kernel load");
  EXPECT_EQ(about("kernel_build").state, State::note);
  EXPECT_EQ(about("kernel_build").mend.command, "shadowwalk kernel build");
}

TEST_F(KernelCellsTest, AModuleOfAnotherVersionIsReplaced) {
  facts().device_unavailable =
      "the module 0.0.9 has version 2 of the ABI, this program 1: `shadowwalk kernel unload`, `build` and `load`";
  EXPECT_EQ(about("kernel_module").state, State::lack);
  EXPECT_EQ(about("kernel_module").value, "the module 0.0.9 has version 2 of the ABI, this program 1");
  EXPECT_EQ(about("kernel_module").mend.advice, "`shadowwalk kernel unload`, `build` and `load`");
}

TEST_F(KernelCellsTest, WhatIsInTheWayOfAModuleIsMendedFirst) {
  unload();
  facts().module_file = "";
  facts().build_unavailable = "no headers of Linux 6.1.0: install linux-headers-6.1.0";
  EXPECT_EQ(about("kernel_build").value, "no headers of Linux 6.1.0");
  EXPECT_EQ(can("kernel_cells").how, "no headers of Linux 6.1.0");
  EXPECT_EQ(can("kernel_cells").mend.advice, "install linux-headers-6.1.0");
  fake_.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  EXPECT_EQ(can("kernel_cells").how, "the kernel is locked down: integrity");
  EXPECT_THAT(can("kernel_cells").mend.advice, HasSubstr("mokutil --import"));
}

TEST_F(KernelCellsTest, WhatAKernelLoads) {
  EXPECT_EQ(about("module_loading").state, State::ok);
  fake_.write("/sys/module/module/parameters/sig_enforce", "Y\n");
  EXPECT_EQ(about("module_loading").value, "module.sig_enforce is on");
  fake_.write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
  EXPECT_EQ(about("module_loading").value, "the kernel is locked down: confidentiality");
  fake_.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
              std::string_view("\x06\0\0\0\x01", 5));
  EXPECT_EQ(about("module_loading").value, "the kernel is locked down: confidentiality, by Secure Boot");
  fake_.write("/proc/sys/kernel/modules_disabled", "1\n");
  EXPECT_EQ(about("module_loading").value, "kernel.modules_disabled is 1");
  EXPECT_THAT(about("module_loading").mend.advice, HasSubstr("reboot"));
}

TEST_F(KernelCellsTest, QemuWithAndWithoutKvm) {
  EXPECT_EQ(about("qemu").value, "/usr/bin/qemu-system-x86_64, with KVM");
  EXPECT_EQ(can("kernel_vm_cells").verdict, Verdict::yes);
  facts().kvm_unavailable = "KVM has shadow paging (PVM) only";
  EXPECT_EQ(about("qemu").state, State::note);
  EXPECT_EQ(about("qemu").value, "/usr/bin/qemu-system-x86_64, without KVM: KVM has shadow paging (PVM) only");
  EXPECT_EQ(can("kernel_vm_cells").verdict, Verdict::partly);
  EXPECT_THAT(can("kernel_vm_cells").how, HasSubstr("checked, and not timed"));
  fake_.live.kvm.unavailable = facts().kvm_unavailable = "/dev/kvm: No such file or directory";
  fake_.live.kvm.open_error = ENOENT;
  EXPECT_EQ(about("qemu").mend.command, "modprobe kvm_intel") << "as for KVM guests";
  facts().qemu = "";
  EXPECT_EQ(about("qemu").mend.command, "apt-get install qemu-system-x86");
  EXPECT_EQ(can("kernel_vm_cells").verdict, Verdict::no);
}

TEST_F(KernelCellsTest, KernelsToBoot) {
  EXPECT_EQ(about("kernel_images").state, State::ok);
  facts().image_unavailable = "the image of the kernel that runs here is neither A nor B; give --kernel one";
  facts().images = {"6.1.0 (a)", "6.12.0 (b)"};
  EXPECT_EQ(about("kernel_images").value, "6.1.0 (a), 6.12.0 (b)");
  EXPECT_EQ(about("kernel_images").meaning,
            "--kernel must name one: the image of the kernel that runs here is neither A nor B");
  EXPECT_EQ(can("kernel_vm_cells").verdict, Verdict::yes);
  facts().images.clear();
  EXPECT_EQ(about("kernel_images").mend.command, "scripts/fetch-kernels");
  EXPECT_EQ(can("kernel_vm_cells").verdict, Verdict::no);
}

}  // namespace
}  // namespace shadowwalk::doctor
