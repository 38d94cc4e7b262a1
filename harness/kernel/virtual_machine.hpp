#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "harness/kernel/vm_console.hpp"
#include "harness/kernel/vm_messages.hpp"
#include "harness/os/death_watch.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk::kernel {

enum class Accelerator {
  kvm,  ///< a guest of the host's KVM: its times are those of a guest
  tcg,  ///< emulated by QEMU: it shows what is right and wrong, and no time
};
constexpr const char* name_of(Accelerator accelerator) { return accelerator == Accelerator::kvm ? "kvm" : "tcg"; }

struct VmSetup {
  std::filesystem::path qemu;
  std::filesystem::path vmlinuz;
  int initramfs = -1;  ///< a file that is open here; it outlives the machine
  unsigned cpus = 2;
  std::uint64_t memory_mib = 0;
  Accelerator accelerator = Accelerator::tcg;
};

/// How a wait for the machine ended.
enum class VmWait { answered, ended, timed_out, interrupted };

/// One boot of a kernel under QEMU, whose first process is the agent (vm_agent.hpp). QEMU is killed with the object,
/// and when this process dies by any means; nothing of it is left on the disk. Not thread-safe; made and used by the
/// main thread (ChildSetup::death_signal).
class VirtualMachine {
 public:
  /// Starts QEMU and returns at once. Throws InputError if it cannot be started.
  explicit VirtualMachine(const VmSetup& setup);
  VirtualMachine(const VirtualMachine&) = delete;
  VirtualMachine& operator=(const VirtualMachine&) = delete;
  ~VirtualMachine();

  /// Waits for the agent's next line. `stop_fd`: becomes readable when the wait must end (-1: none). After anything but
  /// VmWait::answered the machine is of no more use.
  VmWait await_line(std::string& line, std::chrono::nanoseconds limit, int stop_fd);
  /// Throws std::system_error if the machine takes nothing any more; its end is then what await_line() finds.
  void send(std::string_view line);

  const VmConsole& console() const { return console_; }
  pid_t qemu() const { return qemu_; }

 private:
  /// Reads what there is; false: the other side is gone.
  bool read_port();
  void read_console();

  os::FileDescriptor port_;
  os::FileDescriptor console_pipe_;
  pid_t qemu_ = -1;
  std::unique_ptr<os::DeathWatch> watch_;
  LineReader lines_;
  VmConsole console_;
};

}  // namespace shadowwalk::kernel
