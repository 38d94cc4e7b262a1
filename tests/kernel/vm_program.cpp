// The program in the virtual machines of vm_session_test: their agent, and what its jobs run.
#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/kernel/vm_agent.hpp"

namespace {

void write_to(const char* file, const char* text) { std::ofstream(file) << text << std::flush; }

/// No other thread runs any more: every CPU belongs to one of real-time priority that never sleeps.
[[noreturn]] void take_all_cpus() {
  write_to("/proc/sys/kernel/sched_rt_runtime_us", "-1");
  write_to("/proc/sys/kernel/softlockup_panic", "0");
  write_to("/proc/sys/kernel/panic_on_rcu_stall", "0");
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency() + 2; ++i) {
    threads.emplace_back([] {
      sched_param priority{.sched_priority = 99};
      sched_setscheduler(0, SCHED_FIFO, &priority);
      for (std::atomic<unsigned> spins{0};; spins.fetch_add(1, std::memory_order_relaxed)) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "kernel" && argc > 3) shadowwalk::kernel::run_vm_agent(argv[3]);
  if (what == "crash") write_to("/proc/sysrq-trigger", "c");
  if (what == "hang") take_all_cpus();
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
