#include "harness/machine/kernel_grace_period.hpp"

#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

long membarrier_command(int command) { return syscall(SYS_membarrier, command, 0, 0); }

}  // namespace

std::string why_no_kernel_grace_period() {
  const long commands = membarrier_command(MEMBARRIER_CMD_QUERY);
  if (commands < 0) return fmt::format("membarrier: {}", std::strerror(errno));
  if ((commands & MEMBARRIER_CMD_GLOBAL) == 0) return "membarrier: no GLOBAL, as on kernels that run with nohz_full";
  // The kernel then returns at once, as every other CPU has passed a quiescent state.
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) return "membarrier: GLOBAL waits for nothing with one CPU online";
  return {};
}

void wait_for_kernel_grace_period() {
  if (membarrier_command(MEMBARRIER_CMD_GLOBAL) != 0) {
    throw CellError(fmt::format("membarrier: GLOBAL: {}", std::strerror(errno)));
  }
}

}  // namespace shadowwalk
