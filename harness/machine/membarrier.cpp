#include "harness/machine/membarrier.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/machine/check.hpp"

namespace shadowwalk {

namespace {
long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }
}  // namespace

std::string register_membarrier() {
  const long commands = membarrier(MEMBARRIER_CMD_QUERY);
  if (commands < 0) return std::string("membarrier: ") + std::strerror(errno);
  if ((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) return "membarrier: no PRIVATE_EXPEDITED (Linux 4.14)";
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0) {
    return std::string("membarrier: registering: ") + std::strerror(errno);
  }
  return {};
}

void membarrier_all() {
  SHADOWWALK_CHECK(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0, "membarrier without register_membarrier()");
}

}  // namespace shadowwalk
