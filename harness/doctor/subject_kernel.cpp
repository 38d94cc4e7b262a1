#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/doctor/finding.hpp"
#include "harness/host/kernel_facts.hpp"

namespace shadowwalk::doctor {
namespace {

constexpr const char* kNoKernelCells = "--machine kernel is refused: cells run in user space only";
constexpr const char* kNoVmCells = "--machine kernel-vm is refused";

/// What is the matter, of a reason that says behind its first colon or semicolon what to do.
std::string matter_of(const std::string& reason) {
  return reason.substr(0, std::min(reason.find(": "), reason.find("; ")));
}
/// What to do, of the same.
Mend remedy_of(const std::string& reason) {
  const std::size_t colon = reason.find(": ");
  return advise(colon == reason.npos ? reason : reason.substr(colon + 2));
}

Finding kernel_module(const Host& host) {
  const LiveFacts::KernelCells& facts = host.live.kernel_cells;
  if (facts.device_unavailable.empty()) return ok(facts.device, "--machine kernel runs cells in this kernel");
  const std::string load = as_root(host, "shadowwalk kernel load");
  const Mend mend = facts.is_loaded             ? remedy_of(facts.device_unavailable)
                    : facts.module_file.empty() ? run(fmt::format("shadowwalk kernel build && {}", load))
                                                : run(load);
  return lack(matter_of(facts.device_unavailable), kNoKernelCells, mend);
}

Finding kernel_build(const Host& host) {
  const LiveFacts::KernelCells& facts = host.live.kernel_cells;
  if (!facts.module_file.empty()) return ok(facts.module_file, "built for this kernel");
  const std::string& reason = facts.build_unavailable;
  if (reason.empty()) {
    return note("can be built, and is not", "headers and compiler of this kernel are here",
                run("shadowwalk kernel build"));
  }
  return lack(matter_of(reason), "the module cannot be built for this kernel", remedy_of(reason));
}

/// Whether the kernel loads unsigned modules.
Finding module_loading(const Host& host) {
  constexpr const char* kSign =
      "sign the module with an enrolled key (mokutil --import), or switch Secure Boot off in the firmware";
  constexpr std::size_t kAttributes = 4;  // of an EFI variable, before its value
  const std::string secure_boot =
      host.files.read_bytes("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c").value_or("");
  const std::string with = secure_boot.size() > kAttributes && secure_boot[kAttributes] == 1 ? ", by Secure Boot" : "";
  if (host.files.read_number("/proc/sys/kernel/modules_disabled").value_or(0) != 0) {
    return lack("kernel.modules_disabled is 1", "the kernel loads no module until its next boot",
                advise("reboot without kernel.modules_disabled=1"));
  }
  if (const std::string mode = host::lockdown_mode(host.files); !mode.empty()) {
    return lack(fmt::format("the kernel is locked down: {}{}", mode, with), "it loads signed modules only",
                advise(kSign));
  }
  if (host.files.read("/sys/module/module/parameters/sig_enforce").value_or("N") == "Y") {
    return lack(fmt::format("module.sig_enforce is on{}", with), "the kernel loads signed modules only", advise(kSign));
  }
  return ok("modules need no signature");
}

Finding qemu(const Host& host) {
  const LiveFacts::KernelCells& facts = host.live.kernel_cells;
  if (facts.qemu.empty()) {
    return lack("qemu-system-x86_64 is not on PATH", kNoVmCells, run(as_root(host, "apt-get install qemu-system-x86")));
  }
  if (facts.kvm_unavailable.empty()) return ok(fmt::format("{}, with KVM", facts.qemu));
  return note(fmt::format("{}, without KVM: {}", facts.qemu, matter_of(facts.kvm_unavailable)),
              "cells of --machine kernel-vm are emulated: they are checked, and not timed",
              host.live.kvm.unavailable.empty() ? advise("use a host whose KVM maps guests by hardware (EPT, NPT)")
                                                : mend_kvm(host));
}

Finding kernel_images(const Host& host) {
  const LiveFacts::KernelCells& facts = host.live.kernel_cells;
  const std::string& reason = facts.image_unavailable;
  if (facts.images.empty()) return lack(matter_of(reason), kNoVmCells, run("scripts/fetch-kernels"));
  const std::string images = fmt::to_string(fmt::join(facts.images, ", "));
  if (reason.empty()) return ok(images);
  return note(images, fmt::format("--kernel must name one: {}", matter_of(reason)));
}

}  // namespace

std::vector<Finding> examine_kernel_cells(const Host& host) {
  return findings_of(host, {{"kernel_module", kernel_module},
                            {"kernel_build", kernel_build},
                            {"module_loading", module_loading},
                            {"qemu", qemu},
                            {"kernel_images", kernel_images}});
}

}  // namespace shadowwalk::doctor
