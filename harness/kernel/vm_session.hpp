#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/kernel/initramfs.hpp"
#include "harness/kernel/kernel_image.hpp"
#include "harness/kernel/virtual_machine.hpp"
#include "harness/kernel/vm_messages.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::kernel {

/// What became of a job.
struct VmOutcome {
  enum class Kind {
    ended,        ///< `end` says how
    crashed,      ///< the kernel did not survive it
    hung,         ///< the kernel, or its agent, gave no answer
    interrupted,  ///< by `stop_fd`
  } kind = Kind::ended;
  VmJobEnd end{};
  std::string last_words{};            ///< of the kernel, if it crashed or hung: VmConsole::last_words()
  std::vector<std::string> console{};  ///< the same: VmConsole::last_lines()
};

/// What the jobs need of the machine's memory, beside its kernel and its first file system.
struct VmMemory {
  std::uint64_t least_mib = 256;   ///< less is refused
  std::uint64_t wanted_mib = 256;  ///< given where it is at most half of what the host has
};

/// Jobs in a kernel that is booted for them: one boot for all, and another one after the kernel has crashed or hung.
/// Not thread-safe; main thread only.
class VmSession {
 public:
  struct Setup {
    KernelImage image;
    InitramfsContent content;
    unsigned cpus = 2;
    VmMemory memory{};
    std::function<void(const std::string&)> notice;  ///< a line for the user
    std::chrono::seconds boot_limit{120};
    std::chrono::seconds answer_limit{30};  ///< after a job's own limit, which its agent keeps: then the kernel hangs
  };

  /// Throws InputError: no QEMU, a file that cannot be read, a host without the memory. Nothing is booted yet.
  explicit VmSession(Setup setup);

  /// Runs a job, in a new machine if there is none. Blocks for the boot and for the job's limit, and a little. Throws
  /// InputError if the kernel does not boot, or does not take the module.
  VmOutcome run(const VmJob& job, int stop_fd);

  /// Boots now, if there is no machine; false: interrupted.
  bool boot(int stop_fd);
  /// Of the machine that was booted last.
  Accelerator accelerator() const { return accelerators_.front(); }
  const KernelImage& image() const { return setup_.image; }
  unsigned boots() const { return boots_; }
  /// Null: there is none.
  const VirtualMachine* machine() const { return machine_.get(); }
  /// That each machine gets.
  std::uint64_t memory_mib() const { return memory_mib_; }

 private:
  enum class Boot { up, failed, interrupted };
  Boot try_to_boot(int stop_fd, std::string& why);

  const Setup setup_;
  const std::filesystem::path qemu_;
  const os::FileDescriptor initramfs_;
  const std::uint64_t memory_mib_;
  std::vector<Accelerator> accelerators_;  ///< the first one is used; when it boots nothing, it is dropped
  std::unique_ptr<VirtualMachine> machine_;
  unsigned boots_ = 0;
};

/// Why KVM does not run kernels on this host, in a few words; empty: it may.
std::string why_no_kvm_here();

}  // namespace shadowwalk::kernel
