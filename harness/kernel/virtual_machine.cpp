#include "harness/kernel/virtual_machine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "harness/kernel/initramfs.hpp"
#include "harness/os/deadline.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

using Clock = os::Deadline::Clock;

/// As `/proc/PID/fd/N`: QEMU opens it as a file, which needs no name of its own.
std::string name_of_file(int fd) { return fmt::format("/proc/{}/fd/{}", getpid(), fd); }

/// What the emulated CPU can do. QEMU 7.2's TCG takes RAX for the flags after CMPXCHG16B, by which kernels since 6.5
/// keep slab's free lists: without it they use a lock.
const char* cpu_model(Accelerator accelerator) { return accelerator == Accelerator::kvm ? "host" : "max,-cx16"; }

std::string kernel_command_line(Accelerator accelerator) {
  // A panic ends QEMU (-no-reboot), an oops panics at once. Warnings shall be on the console, boot messages need not.
  // An emulator that has no CPU for a while would fail the kernel's checks of its timer and of its TSC.
  return fmt::format("console=ttyS0 {}panic=-1 oops=panic loglevel=5 rdinit={} -- kernel agent {}",
                     accelerator == Accelerator::tcg ? "no_timer_check tsc=reliable " : "", in_vm::kCommand,
                     name_of(accelerator));
}

std::vector<std::string> command_line(const VmSetup& setup, int port) {
  return {"qemu-system-x86_64",
          "-nodefaults",
          "-no-user-config",
          "-no-reboot",
          "-display",
          "none",
          "-name",
          "shadowwalk",
          "-m",
          std::to_string(setup.memory_mib),
          "-smp",
          std::to_string(setup.cpus),
          "-accel",
          setup.accelerator == Accelerator::kvm ? "kvm" : "tcg,thread=multi",
          "-cpu",
          cpu_model(setup.accelerator),
          "-kernel",
          setup.vmlinuz.string(),
          "-initrd",
          name_of_file(setup.initramfs),
          "-append",
          kernel_command_line(setup.accelerator),
          "-chardev",
          "stdio,id=console,signal=off",
          "-serial",
          "chardev:console",
          "-chardev",
          fmt::format("socket,id=port,fd={}", port),
          "-serial",
          "chardev:port"};
}

}  // namespace

VirtualMachine::VirtualMachine(const VmSetup& setup) {
  int port[2], console[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  port_ = os::FileDescriptor(port[0]);
  const os::FileDescriptor qemus_port(port[1]);
  if (pipe2(console, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  console_pipe_ = os::FileDescriptor(console[0]);
  const os::FileDescriptor qemus_console(console[1]);
  const os::FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  fcntl(port_.get(), F_SETFL, O_NONBLOCK);
  fcntl(console_pipe_.get(), F_SETFL, O_NONBLOCK);
  fcntl(qemus_port.get(), F_SETFD, 0);  // QEMU inherits it
  qemu_ = os::start_program(setup.qemu.string(), command_line(setup, qemus_port.get()),
                            {.in = null.get(),
                             .out = qemus_console.get(),
                             .error = qemus_console.get(),
                             .own_group = true,
                             .death_signal = SIGKILL});
  watch_ = std::make_unique<os::DeathWatch>(qemu_, SIGKILL);
}

VirtualMachine::~VirtualMachine() {
  kill(qemu_, SIGKILL);
  os::wait_for(qemu_);
}

VmWait VirtualMachine::await_line(std::string& line, std::chrono::nanoseconds limit, int stop_fd) {
  os::Deadline deadline(limit);
  for (;;) {
    if (auto next = lines_.next()) {
      line = std::move(*next);
      return VmWait::answered;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.next_look() - Clock::now()).count();
    pollfd events[] = {{port_.get(), POLLIN, 0}, {console_pipe_.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    if (poll(events, std::size(events), static_cast<int>(std::max<long long>(left, 0))) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    read_console();
    const bool is_there = events[0].revents == 0 || read_port();
    if (!is_there) {
      // What QEMU printed last: it has closed the port by now, but perhaps not its stdout.
      pollfd rest{console_pipe_.get(), POLLIN, 0};
      constexpr int kMostMs = 2000;
      while (poll(&rest, 1, kMostMs) > 0 && (rest.revents & POLLIN) != 0) read_console();
      return VmWait::ended;
    }
    if (events[2].revents != 0) return VmWait::interrupted;
    if (deadline.passed()) return VmWait::timed_out;
  }
}

void VirtualMachine::send(std::string_view line) {
  // Not os::write_all(): a machine that is gone must not end this process by SIGPIPE, and one that hangs must not hang
  // it.
  os::Deadline deadline{std::chrono::seconds(30)};
  while (!line.empty()) {
    const ssize_t count = ::send(port_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      line.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EINTR) {
      pollfd event{port_.get(), POLLOUT, 0};
      constexpr int kLookMs = 100;
      poll(&event, 1, kLookMs);
      read_console();
      if (deadline.passed()) throw std::system_error(ETIMEDOUT, std::generic_category(), "the virtual machine");
    } else {
      throw std::system_error(errno, std::generic_category(), "the virtual machine");
    }
  }
}

bool VirtualMachine::read_port() {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = read(port_.get(), buffer, sizeof buffer);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    lines_.add({buffer, static_cast<std::size_t>(count)});
  }
}

void VirtualMachine::read_console() {
  char buffer[1 << 14];
  for (ssize_t count; (count = read(console_pipe_.get(), buffer, sizeof buffer)) > 0;) {
    console_.add({buffer, static_cast<std::size_t>(count)});
  }
}

}  // namespace shadowwalk::kernel
