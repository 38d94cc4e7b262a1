#include <fmt/format.h>
#include <sys/utsname.h>

#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "harness/guest/guest.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/measure/pmu/availability.hpp"

namespace shadowwalk {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  uname(&name);
  return fmt::format("{} {}", name.release, name.machine);
}

std::string available_or(const std::string& reason) { return reason.empty() ? "available" : "unavailable: " + reason; }

}  // namespace

std::map<std::string, std::string> result_context() {
  const std::string host = fmt::format("{}/{}/{}", cpu_model(), std::thread::hardware_concurrency(), kernel());
  return {{"shadowwalk_version", SHADOWWALK_VERSION},
          {"shadowwalk_build", SHADOWWALK_BUILD},
          {"shadowwalk_compiler", SHADOWWALK_COMPILER},
          {"cpu_model", cpu_model()},
          {"kernel", kernel()},
          {"clock", CycleClock::describe()},
          {"clock_read_ns", fmt::format("{:.1f}", CycleClock::read_cost_ns())},
          {"kvm", available_or(kvm_unavailable_reason())},
          {"pmu", available_or(pmu::unavailable_reason())},
          {"host_id", fmt::format("{:016x}", std::hash<std::string>{}(host))}};
}

}  // namespace shadowwalk
