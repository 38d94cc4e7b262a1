#include "harness/measure/pmu/perf_kernel.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "harness/measure/pmu/sysfs_pmu.hpp"

namespace shadowwalk::pmu {
namespace {

class RealKernel final : public PerfKernel {
 public:
  int open(const perf_event_attr& attributes, int group) override {
    constexpr int kThisThread = 0;
    constexpr int kAnyCpu = -1;
    const long fd = syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyCpu, group, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : static_cast<int>(fd);
  }
  void close(int fd) override { ::close(fd); }
  std::uint64_t id(int fd) override {
    std::uint64_t id = 0;
    return ioctl(fd, PERF_EVENT_IOC_ID, &id) == 0 ? id : 0;
  }
  void enable(int leader) override { ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP); }
  void disable(int leader) override { ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP); }
  int read(int fd, std::span<std::uint64_t> words) override {
    ssize_t bytes = 0;
    do {
      bytes = ::read(fd, words.data(), words.size_bytes());
    } while (bytes < 0 && errno == EINTR);
    return bytes < 0 ? -errno : static_cast<int>(static_cast<std::size_t>(bytes) / sizeof(std::uint64_t));
  }
  const perf_event_mmap_page* map(int fd) override {
    void* page = mmap(nullptr, page_bytes(), PROT_READ, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? nullptr : static_cast<const perf_event_mmap_page*>(page);
  }
  void unmap(const perf_event_mmap_page* page) override {
    munmap(const_cast<perf_event_mmap_page*>(page), page_bytes());
  }

 private:
  static std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
};

constexpr const char* kNoPmu =
    "no hardware PMU here (virtualised away, or not driven by this kernel): use bare metal, or a VM with a virtual PMU "
    "(QEMU: -cpu host,pmu=on)";

std::string not_permitted(int error, const EncodedEvent& event, const OpenFacts& facts) {
  const int needed = paranoid_needed(event);
  if (!facts.paranoid) {
    return fmt::format(
        "not permitted, and kernel.perf_event_paranoid cannot be read: `sysctl kernel.perf_event_paranoid={}` "
        "or CAP_PERFMON",
        needed);
  }
  if (*facts.paranoid > needed) {
    return fmt::format(
        "not permitted: kernel.perf_event_paranoid is {}; `sysctl kernel.perf_event_paranoid={}` or "
        "CAP_PERFMON{}",
        *facts.paranoid, needed,
        event.kind == EventKind::core && !event.attributes.exclude_kernel ? ", or count user code only (:u)" : "");
  }
  return fmt::format(
      "not permitted ({}), although kernel.perf_event_paranoid is {}: a container's seccomp profile or a "
      "security module forbids perf_event_open",
      std::strerror(error), *facts.paranoid);
}

std::string explain_invalid(const EncodedEvent& event) {
  switch (event.kind) {
    case EventKind::device:
      return "the PMU refuses this for one thread (EINVAL): it counts CPUs only, takes no modifiers, or only samples";
    case EventKind::core:
      return "the PMU refuses these settings (EINVAL): a wrong unit mask, or a modifier that this CPU cannot filter by";
    default:
      return "the kernel refuses these settings (EINVAL)";
  }
}

}  // namespace

PerfKernel& PerfKernel::real() {
  static RealKernel kernel;
  return kernel;
}

OpenFacts open_facts(const SystemPaths& paths) {
  OpenFacts facts;
  facts.has_core_pmu = has_core_pmu(paths);
  std::ifstream file(paths.paranoid);
  if (int level = 0; file >> level) facts.paranoid = level;
  return facts;
}

int paranoid_needed(const EncodedEvent& event) { return event.attributes.exclude_kernel ? 2 : 1; }

std::string explain_open_failure(int error, const EncodedEvent& event, const OpenFacts& facts) {
  const bool core = event.kind == EventKind::core;
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return core && !facts.has_core_pmu ? kNoPmu : "this PMU has no such event";
    case EOPNOTSUPP:
      return core && !facts.has_core_pmu ? kNoPmu : "this PMU cannot count that (no hardware support)";
    case EACCES:
    case EPERM:
      return not_permitted(error, event, facts);
    case EINVAL:
      return explain_invalid(event);
    case EMFILE:
      return "no file descriptor left in this process: `ulimit -n` raises the limit, fewer events or vCPUs need less";
    case ENFILE:
      return "no file descriptor left on this system: `sysctl fs.file-max`";
    case EBUSY:
      return "another user has the PMU for itself (a pinned or exclusive event): end that perf session";
    case ENOSPC:
      return "no hardware slot left (breakpoints): others hold them all";
    case ENOSYS:
      return "this kernel has no perf_event_open (CONFIG_PERF_EVENTS), or a container hides it";
    default:
      return fmt::format("perf_event_open: {}", std::strerror(error));
  }
}

}  // namespace shadowwalk::pmu
