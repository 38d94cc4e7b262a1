#include "harness/kernel/vm_agent.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "harness/kernel/initramfs.hpp"
#include "harness/kernel/kernel_module.hpp"
#include "harness/kernel/vm_messages.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/files.hpp"
#include "harness/run/child.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPort = "/dev/ttyS1";
constexpr std::size_t kMostOutput = 64 << 10;

/// Where one of these cannot be mounted, what needs it will say so.
void mount_all() {
  for (const auto& [type, where] :
       {std::pair{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}}) {
    mount(type, where, type, 0, nullptr);
  }
}

/// From now on, and not while the kernel boots: what a cell does must leave no warning, and a kernel that stalls is to
/// say so and end.
void have_warnings_panic() {
  for (const char* name : {"panic_on_warn", "panic_on_rcu_stall", "softlockup_panic"}) {
    const os::FileDescriptor file(open(fmt::format("/proc/sys/kernel/{}", name).c_str(), O_WRONLY | O_CLOEXEC));
    if (file.is_open()) os::write_all(file.get(), "1");
  }
}

/// For the first event that is counted, and after the last, Linux patches its scheduler (a static key). Under QEMU's
/// TCG a CPU may run the breakpoint of that patch when it is done with, and the kernel dies of it ("Oops: int3"). So
/// one event is counted from before the first cell on.
os::FileDescriptor count_an_event() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
  return os::FileDescriptor(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

/// A serial port that passes bytes as they are.
os::FileDescriptor open_port() {
  os::FileDescriptor port(open(kPort, O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!port.is_open() || tcgetattr(port.get(), &settings) != 0) {
    throw InputError(fmt::format("{}: {}", kPort, std::strerror(errno)));
  }
  cfmakeraw(&settings);
  cfsetspeed(&settings, B115200);
  settings.c_cflag |= CLOCAL;
  tcsetattr(port.get(), TCSANOW, &settings);
  return port;
}

VmReady make_ready() {
  utsname name{};
  uname(&name);
  VmReady ready{.release = name.release, .module_problem = {}};
  if (!fs::exists(in_vm::kModule)) return ready;
  try {
    insert_module(in_vm::kModule);
  } catch (const InputError& error) {
    ready.module_problem = error.what();
  }
  return ready;
}

VmJobEnd run_job(const VmJob& job) {
  std::error_code ignored;
  if (!job.result_file.empty()) fs::remove(job.result_file, ignored);
  for (const auto& [name, content] : job.files) {
    fs::create_directories(fs::path(name).parent_path(), ignored);
    os::write_file(name, content);
  }
  const run::ChildResult child = run::run_child(job.words.front(), job.words, job.limit, -1);
  VmJobEnd end{.timed_out = child.end == run::ChildEnd::kTimedOut,
               .exit_code = child.exit_code,
               .signal = child.signal,
               .output = child.output,
               .result = std::nullopt};
  if (!job.result_file.empty()) end.result = os::read_if_readable(job.result_file, std::size_t{32} << 20);
  return end;
}

/// Until the other side is gone.
void serve(int port) {
  LineReader lines;
  for (;;) {
    while (const auto line = lines.next()) {
      VmJobEnd end;
      try {
        end = run_job(job_from(*line));
      } catch (const InputError& error) {
        end = {.timed_out = false, .exit_code = 2, .signal = 0, .output = error.what(), .result = std::nullopt};
      }
      if (os::write_all(port, to_line(end)) != 0) return;
    }
    char buffer[4096];
    const ssize_t count = read(port, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    lines.add({buffer, static_cast<std::size_t>(count)});
  }
}

}  // namespace

void run_vm_agent(const std::string& accelerator) {
  if (getpid() != 1)
    throw InputError("kernel agent: it is the first process of the virtual machine of --machine kernel-vm");
  try {
    mount_all();
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/tmp", 1);
    setenv(kAcceleratorVariable, accelerator.c_str(), 1);
    const os::FileDescriptor event = count_an_event();
    const os::FileDescriptor port = open_port();
    const VmReady ready = make_ready();
    have_warnings_panic();
    if (os::write_all(port.get(), to_line(ready)) == 0) serve(port.get());
  } catch (const std::exception& error) {
    fmt::print(stderr, "shadowwalk: {}\n", error.what());
  }
  sync();
  reboot(RB_POWER_OFF);
  _exit(1);  // the kernel panics, and QEMU ends
}

}  // namespace shadowwalk::kernel
