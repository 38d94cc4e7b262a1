#include "harness/doctor/live_facts.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/doctor/elf_notes.hpp"
#include "harness/guest/guest.hpp"
#include "harness/guest/kvm_handle.hpp"
#include "harness/host/processor.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/placement.hpp"
#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/event_sets.hpp"
#include "harness/measure/pmu/microarchitecture.hpp"
#include "harness/measure/pmu/pfm.hpp"
#include "harness/os/file_descriptor.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::doctor {
namespace {

LiveFacts::Pmu observe_pmu() {
  LiveFacts::Pmu facts;
  facts.unavailable = pmu::unavailable_reason();
  facts.rdpmc_unavailable = pmu::self_reading_unavailable_reason();
  if (const auto core = pmu::core_pmu()) {
    facts.name = core->name;
    facts.counters = core->counters;
  }
  const pmu::Microarchitecture microarchitecture = pmu::this_microarchitecture();
  facts.microarchitecture = pmu::to_string(microarchitecture);
  facts.has_contention_set = !pmu::event_set("contention", microarchitecture).empty();
  return facts;
}

/// The group that may read and write a file; empty: none.
std::string group_of(const char* path) {
  struct stat status {};
  if (stat(path, &status) != 0 || (status.st_mode & 060) != 060) return {};
  const group* entry = getgrgid(status.st_gid);  // at start-up: no other thread calls it
  return entry == nullptr ? std::to_string(status.st_gid) : entry->gr_name;
}

LiveFacts::Kvm observe_kvm() {
  LiveFacts::Kvm facts;
  facts.unavailable = kvm_unavailable_reason();
  const os::FileDescriptor device(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!device.is_open()) {
    facts.open_error = errno;
    facts.group = group_of("/dev/kvm");
    return facts;
  }
  const auto capability = [&](unsigned long number) {
    return std::max(0, ioctl(device.get(), KVM_CHECK_EXTENSION, number));
  };
  facts.recommended_vcpus = capability(KVM_CAP_NR_VCPUS);
  facts.max_vcpus = capability(KVM_CAP_MAX_VCPUS);
  facts.statistics = capability(KVM_CAP_BINARY_STATS_FD) > 0;
  return facts;
}

std::vector<std::string> own_probes() {
  const os::FileDescriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!self.is_open() || fstat(self.get(), &status) != 0 || status.st_size <= 0) return {};
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, self.get(), 0);
  if (mapped == MAP_FAILED) return {};
  std::vector<std::string> probes = usdt_probes({static_cast<const std::byte*>(mapped), size});
  munmap(mapped, size);
  return probes;
}

}  // namespace

host::HostFacts observe_host_facts(const std::vector<DeniedCall>& denied_calls) {
  if (denied_calls.empty()) return host::observe_host();
  return host::observe_host(why_not_survived([] { host::observe_host(); }));
}

LiveFacts observe_live_facts() {
  LiveFacts facts;
  facts.denied_calls = find_denied_calls();
  if (const std::string killed = why_not_survived([] { observe_pmu(); }); killed.empty()) {
    facts.pmu = observe_pmu();
  } else {
    facts.pmu.unavailable = facts.pmu.rdpmc_unavailable = killed;
    facts.pmu.microarchitecture = pmu::to_string(pmu::this_microarchitecture());
  }
  if (const std::string killed = why_not_survived([] { observe_kvm(); }); killed.empty()) {
    facts.kvm = observe_kvm();
  } else {
    facts.kvm.unavailable = killed;
  }
  facts.clock = CycleClock::describe();
  facts.clock_is_tsc = facts.clock.starts_with("tsc");
  facts.clock_read_ns = CycleClock::read_cost_ns();
  utsname name{};
  uname(&name);
  facts.kernel = std::string(name.release) + " " + name.machine;
  facts.hypervisor = host::hypervisor_signature();
  for (const HardwareThread& thread : allowed_hardware_threads()) facts.allowed_cpus.push_back(thread.cpu);
  std::sort(facts.allowed_cpus.begin(), facts.allowed_cpus.end());
  const std::string killed = why_not_survived([] { register_membarrier(); });
  facts.membarrier_unavailable = killed.empty() ? register_membarrier() : "membarrier: " + killed;
  facts.probes = own_probes();
  for (const char* tool : kTools) {
    if (os::find_program(tool)) facts.tools.emplace_back(tool);
  }
  facts.is_root = geteuid() == 0;
  return facts;
}

}  // namespace shadowwalk::doctor
