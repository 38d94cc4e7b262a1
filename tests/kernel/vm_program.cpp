// The program in the virtual machines of vm_session_test: their agent, and what its jobs run.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include "harness/kernel/vm_agent.hpp"

namespace {

void write_to(const char* file, const char* text) { std::ofstream(file) << text << std::flush; }

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "kernel" && argc > 3) shadowwalk::kernel::run_vm_agent(argv[3]);
  if (what == "crash") write_to("/proc/sysrq-trigger", "c");
  if (what == "sleep") sleep(3600);
  if (what == "abort") std::abort();
  if (what == "facts" && argc > 2) {
    utsname name{};
    uname(&name);
    std::ofstream(argv[2]) << name.release << ' ' << std::thread::hardware_concurrency() << ' '
                           << std::getenv(shadowwalk::kernel::kAcceleratorVariable);
    std::puts("facts are written");
    return 0;
  }
  if (what == "copy" && argc > 3) {
    std::ofstream(argv[3]) << std::ifstream(argv[2]).rdbuf();
    return 0;
  }
  std::puts("it does not know this");
  return 3;
}
