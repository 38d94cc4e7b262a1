#include "harness/host/processor.hpp"

#include <fmt/format.h>

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace shadowwalk::host {
namespace {

constexpr const char* kCpuInfo = "/proc/cpuinfo";

}  // namespace

std::string cpu_model(const os::HostFiles& files) { return files.read_value(kCpuInfo, "model name"); }

bool has_cpu_flag(const os::HostFiles& files, std::string_view flag) {
  const std::string flags = fmt::format(" {} ", files.read_value(kCpuInfo, "flags"));
  return flags.find(fmt::format(" {} ", flag)) != std::string::npos;
}

std::string hypervisor_signature() {
#if defined(__x86_64__)
  constexpr unsigned kUnderHypervisor = 1u << 31;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kUnderHypervisor) == 0) return {};
  __cpuid(0x40000000, a, b, c, d);  // not __get_cpuid: beyond the range that it checks against
  char signature[13] = {};
  const unsigned words[] = {b, c, d};
  std::memcpy(signature, words, sizeof words);
  return signature;
#else
  return {};
#endif
}

bool is_virtual_machine(const os::HostFiles& files, std::string_view signature) {
  return !signature.empty() || has_cpu_flag(files, "hypervisor") ||
         files.exists("/sys/firmware/devicetree/base/hypervisor");
}

}  // namespace shadowwalk::host
