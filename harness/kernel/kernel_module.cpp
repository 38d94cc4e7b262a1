#include "harness/kernel/kernel_module.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "harness/host/kernel_facts.hpp"
#include "harness/kernel/module_facts.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/host_files.hpp"

namespace shadowwalk::kernel {
namespace {

/// Why init_module() failed, and what to do; by its errno, the kernel's state and the module's own words.
std::string why_not_inserted(int error, const std::filesystem::path& file) {
  utsname running{};
  uname(&running);
  switch (error) {
    case EPERM:
      if (geteuid() != 0) return "only root loads modules: run it with sudo";
      if (const std::string mode = host::lockdown_mode(os::HostFiles()); !mode.empty()) {
        return fmt::format(
            "the kernel is locked down ({}): sign the module (mokutil --import KEY, then "
            "/lib/modules/$(uname -r)/build/scripts/sign-file), or switch Secure Boot off",
            mode);
      }
      return "the kernel loads no modules here (kernel.modules_disabled, or a container): load it on the host itself";
    case EKEYREJECTED:
    case ENOKEY:
      return "the kernel takes signed modules only, as with Secure Boot: sign it with a key that mokutil --import has "
             "enrolled, or switch Secure Boot off";
    case ENOEXEC:
      return fmt::format(
          "it was built for kernel {}, and this is {}: `shadowwalk kernel build` again, and look at "
          "dmesg if that does not help",
          release_of_module(file), running.release);
    case EEXIST:
      return "it is loaded already: `shadowwalk kernel unload` first";
    case ENOENT:
      return "the kernel does not export a function that it needs: dmesg names it";
    default:
      return std::strerror(error);
  }
}

}  // namespace

bool is_module_loaded() { return os::HostFiles().exists(fmt::format("/sys/module/{}/initstate", kModuleName)); }

void insert_module(const std::filesystem::path& file) {
  const os::FileDescriptor module(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!module.is_open()) {
    throw InputError(fmt::format("{}: {}; `shadowwalk kernel build` makes it", file.string(), std::strerror(errno)));
  }
  if (syscall(SYS_finit_module, module.get(), "", 0) == 0) return;
  throw InputError(fmt::format("{} cannot be loaded: {}", file.string(), why_not_inserted(errno, file)));
}

void remove_module() {
  if (syscall(SYS_delete_module, kModuleName, O_NONBLOCK) == 0) return;
  switch (errno) {
    case EPERM:
      throw InputError("only root unloads modules: run it with sudo");
    case ENOENT:
      throw InputError(fmt::format("the module {} is not loaded", kModuleName));
    case EAGAIN:
    case EBUSY:
      throw InputError(fmt::format("the module {} is in use: a cell runs; wait for its end", kModuleName));
    default:
      throw InputError(fmt::format("the module {} cannot be unloaded: {}", kModuleName, std::strerror(errno)));
  }
}

}  // namespace shadowwalk::kernel
