#include "harness/measure/shared_counters.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

namespace shadowwalk {
namespace {

/// The layout of the memory. The stamp comes first, and is checked before anything behind it is used.
struct SharedMemory {
  /// The version of this layout; incremented by each change of LiveCounters that keeps its size.
  static constexpr std::uint64_t kVersion = 1;
  static constexpr std::uint64_t kStamp = 0x7377'6c6b'0000'0000 + (kVersion << 24) + sizeof(LiveCounters);
  std::uint64_t stamp = kStamp;
  LiveCounters counters;
};

static_assert(LiveCounters::Counter::is_always_lock_free, "a lock would be this process's own");
static_assert(sizeof(LiveCounters) < (1u << 24), "the stamp has 24 bits for the size");

// No process may shrink it under a reader, which would get SIGBUS.
constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

os::FileDescriptor sealed_memory(std::string& why_not) {
  os::FileDescriptor file(memfd_create("shadowwalk-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.is_open() || ftruncate(file.get(), sizeof(SharedMemory)) != 0 ||
      fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    why_not = fmt::format("memfd_create: {}", std::strerror(errno));
    file.reset();
  }
  return file;
}

void* map(int fd, int protection) {
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* const memory = mmap(nullptr, sizeof(SharedMemory), protection, flags | MAP_POPULATE, fd, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

void UnmapCounters::operator()(const LiveCounters* counters) const {
  const auto* const memory = reinterpret_cast<const std::byte*>(counters) - offsetof(SharedMemory, counters);
  munmap(const_cast<std::byte*>(memory), sizeof(SharedMemory));
}

SharedCounters::SharedCounters() : fd_(sealed_memory(why_private_)) {
  void* memory = map(fd(), PROT_READ | PROT_WRITE);
  if (memory == nullptr && fd_.is_open()) {
    why_private_ = fmt::format("mmap: {}", std::strerror(errno));
    fd_.reset();
    memory = map(fd(), PROT_READ | PROT_WRITE);
  }
  if (memory == nullptr) throw std::bad_alloc();
  counters_.reset(&(new (memory) SharedMemory())->counters);
}

ForeignCounters::ForeignCounters(pid_t pid, int fd) {
  const os::FileDescriptor theirs(open(fmt::format("/proc/{}/fd/{}", pid, fd).c_str(), O_RDONLY | O_CLOEXEC));
  if (!theirs.is_open()) {
    if (errno == ENOENT) throw Unreadable(fmt::format("process {} has ended", pid));
    throw Unreadable(
        fmt::format("/proc/{}/fd/{}: {}; look as the user who started it, or as root", pid, fd, std::strerror(errno)));
  }
  struct stat status {};
  const bool whole = fstat(theirs.get(), &status) == 0 && status.st_size == static_cast<off_t>(sizeof(SharedMemory)) &&
                     (static_cast<unsigned>(fcntl(theirs.get(), F_GET_SEALS)) & kSeals) == kSeals;
  const auto* const shared = static_cast<const SharedMemory*>(whole ? map(theirs.get(), PROT_READ) : nullptr);
  if (shared != nullptr) counters_.reset(&shared->counters);
  if (shared == nullptr || shared->stamp != SharedMemory::kStamp) {
    throw Unreadable(
        fmt::format("process {} runs another build of shadowwalk; use that build's `shadowwalk top`", pid));
  }
}

}  // namespace shadowwalk
