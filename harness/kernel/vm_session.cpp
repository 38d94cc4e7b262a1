#include "harness/kernel/vm_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_paging.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

/// Emulated boots freeze now and then, where code patches itself under several CPUs.
constexpr unsigned kMostTries = 3;

std::uint64_t size_of(const os::FileDescriptor& file) {
  return static_cast<std::uint64_t>(std::max<off_t>(lseek(file.get(), 0, SEEK_END), 0));
}

/// The machine's memory. Throws InputError if the host has not as much as it needs.
std::uint64_t machine_memory(const VmSession::Setup& setup, const os::FileDescriptor& initramfs) {
  constexpr std::uint64_t kMib = 1 << 20;
  constexpr std::uint64_t kKernelMib = 96, kMibPerCpu = 16;
  constexpr std::uint64_t kOfImage = 16;  // unpacked, with its tables; a debug kernel has as much more of both
  constexpr std::uint64_t kCopies = 2;    // the archive, and what is unpacked of it
  std::error_code error;
  const std::uintmax_t image_bytes = std::filesystem::file_size(setup.image.vmlinuz, error);
  const std::uint64_t base = kKernelMib + kMibPerCpu * setup.cpus +
                             (kCopies * size_of(initramfs) + (error ? 0 : kOfImage * image_bytes)) / kMib;
  const std::uint64_t least = base + setup.memory.least_mib;
  const std::uint64_t available = available_memory_bytes() / kMib;
  if (available == 0) return base + setup.memory.wanted_mib;  // the host does not say
  if (least > available) {
    throw InputError(fmt::format(
        "--machine kernel-vm: the machine needs {} MiB of memory, and this host has {} MiB available: lower "
        "--working-set, --zap-rate, --duration or --vcpus",
        least, available));
  }
  return std::clamp(base + setup.memory.wanted_mib, least, std::max(least, available / 2));
}

os::FileDescriptor file_of(const std::string& content) {
  os::FileDescriptor file = os::open_scratch_file();
  if (const int error = os::write_all(file.get(), content); error != 0) {
    throw InputError(fmt::format("cannot write the initramfs, {} bytes, to {}: {}", content.size(),
                                 std::filesystem::temp_directory_path().string(),
                                 std::generic_category().message(error)));
  }
  return file;
}

}  // namespace

std::string why_no_kvm_here() {
  if (std::string reason = kvm_unavailable_reason(); !reason.empty()) return reason;
  // A kernel's own code would be emulated instruction by instruction, more slowly than QEMU does it.
  const KvmPaging paging = kvm_paging();
  if (paging.kind == KvmPaging::Kind::shadow) return fmt::format("KVM has {} only", paging.name);
  return {};
}

VmSession::VmSession(Setup setup)
    : setup_(std::move(setup)),
      qemu_(os::require_program("qemu-system-x86_64", "--machine kernel-vm", "qemu-system-x86")),
      initramfs_(file_of(make_initramfs(setup_.content))),
      memory_mib_(machine_memory(setup_, initramfs_)),
      accelerators_(why_no_kvm_here().empty() ? std::vector{Accelerator::kvm, Accelerator::tcg}
                                              : std::vector{Accelerator::tcg}) {}

VmOutcome VmSession::run(const VmJob& job, int stop_fd) {
  if (!boot(stop_fd)) return {.kind = VmOutcome::Kind::interrupted};
  const auto lost = [&](VmOutcome::Kind kind) {
    VmOutcome outcome{
        .kind = kind, .last_words = machine_->console().last_words(), .console = machine_->console().last_lines()};
    machine_.reset();
    return outcome;
  };
  try {
    machine_->send(to_line(job));
    std::string line;
    switch (machine_->await_line(line, job.limit + setup_.answer_limit, stop_fd)) {
      case VmWait::answered:
        return {.kind = VmOutcome::Kind::ended, .end = job_end_from(line)};
      case VmWait::ended:
        return lost(VmOutcome::Kind::crashed);
      case VmWait::timed_out:
        return lost(VmOutcome::Kind::hung);
      case VmWait::interrupted:
        return lost(VmOutcome::Kind::interrupted);
    }
  } catch (const std::system_error&) {  // it takes nothing any more
  } catch (const InputError&) {         // it sends what is no message
  }
  return lost(VmOutcome::Kind::crashed);
}

bool VmSession::boot(int stop_fd) {
  if (machine_ != nullptr) return true;
  std::string why;
  for (unsigned tries = 0; tries < kMostTries;) {
    switch (try_to_boot(stop_fd, why)) {
      case Boot::up:
        return true;
      case Boot::interrupted:
        return false;
      case Boot::failed:
        break;
    }
    if (accelerators_.size() == 1) {
      ++tries;
      continue;
    }
    if (setup_.notice) {
      setup_.notice(fmt::format("KVM boots no kernel here ({}): QEMU emulates it", why.empty() ? "no word" : why));
    }
    accelerators_.erase(accelerators_.begin());
  }
  throw InputError(fmt::format("--machine kernel-vm: Linux {} does not boot under QEMU ({} tries): {}",
                               setup_.image.release, kMostTries, why));
}

VmSession::Boot VmSession::try_to_boot(int stop_fd, std::string& why) {
  ++boots_;
  machine_ = std::make_unique<VirtualMachine>(VmSetup{.qemu = qemu_,
                                                      .vmlinuz = setup_.image.vmlinuz,
                                                      .initramfs = initramfs_.get(),
                                                      .cpus = setup_.cpus,
                                                      .memory_mib = memory_mib_,
                                                      .accelerator = accelerator()});
  std::string line;
  const VmWait wait = machine_->await_line(line, setup_.boot_limit, stop_fd);
  if (wait == VmWait::answered) {
    const VmReady ready = ready_from(line);
    if (ready.module_problem.empty()) return Boot::up;
    const std::string words = machine_->console().last_words();
    machine_.reset();
    throw InputError(fmt::format("--machine kernel-vm: Linux {}: {}{}", ready.release, ready.module_problem,
                                 words.empty() ? "" : "; its console: " + words));
  }
  const std::string words = machine_->console().last_words();
  why = fmt::format("{}{}{}", wait == VmWait::timed_out ? "no sign of life in time" : "",
                    wait == VmWait::timed_out && !words.empty() ? "; " : "", words);
  machine_.reset();
  return wait == VmWait::interrupted ? Boot::interrupted : Boot::failed;
}

}  // namespace shadowwalk::kernel
