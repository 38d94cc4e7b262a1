#include "harness/measure/pmu/perf_kernel.hpp"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

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
  int enable(int leader) override {
    return ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) == 0 ? 0 : -errno;
  }
  int disable(int leader) override {
    return ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP) == 0 ? 0 : -errno;
  }
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

}  // namespace

PerfKernel& PerfKernel::real() {
  static RealKernel kernel;
  return kernel;
}

}  // namespace shadowwalk::pmu
