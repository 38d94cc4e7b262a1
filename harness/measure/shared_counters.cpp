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

int sealed_memory(std::string& why_not) {
  const int fd = memfd_create("shadowwalk-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && ftruncate(fd, sizeof(SharedMemory)) == 0 && fcntl(fd, F_ADD_SEALS, kSeals) == 0) return fd;
  why_not = fmt::format("memfd_create: {}", std::strerror(errno));
  if (fd >= 0) close(fd);
  return -1;
}

void* map(int fd, int protection) {
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* const memory = mmap(nullptr, sizeof(SharedMemory), protection, flags | MAP_POPULATE, fd, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

SharedCounters::SharedCounters() : fd_(sealed_memory(why_private_)) {
  void* memory = map(fd_, PROT_READ | PROT_WRITE);
  if (memory == nullptr && fd_ >= 0) {
    why_private_ = fmt::format("mmap: {}", std::strerror(errno));
    close(fd_);
    fd_ = -1;
    memory = map(fd_, PROT_READ | PROT_WRITE);
  }
  if (memory == nullptr) throw std::bad_alloc();
  counters_ = &(new (memory) SharedMemory())->counters;
}

SharedCounters::~SharedCounters() {
  munmap(reinterpret_cast<std::byte*>(counters_) - offsetof(SharedMemory, counters), sizeof(SharedMemory));
  if (fd_ >= 0) close(fd_);
}

ForeignCounters::ForeignCounters(pid_t pid, int fd) {
  const int theirs = open(fmt::format("/proc/{}/fd/{}", pid, fd).c_str(), O_RDONLY | O_CLOEXEC);
  if (theirs < 0) {
    if (errno == ENOENT) throw Unreadable(fmt::format("process {} has ended", pid));
    throw Unreadable(
        fmt::format("/proc/{}/fd/{}: {}; look as the user who started it, or as root", pid, fd, std::strerror(errno)));
  }
  struct stat status {};
  const bool whole = fstat(theirs, &status) == 0 && status.st_size == static_cast<off_t>(sizeof(SharedMemory)) &&
                     (static_cast<unsigned>(fcntl(theirs, F_GET_SEALS)) & kSeals) == kSeals;
  const void* const memory = whole ? map(theirs, PROT_READ) : nullptr;
  close(theirs);
  const auto* const shared = static_cast<const SharedMemory*>(memory);
  if (shared != nullptr && shared->stamp == SharedMemory::kStamp) {
    counters_ = &shared->counters;
    return;
  }
  if (memory != nullptr) munmap(const_cast<void*>(memory), sizeof(SharedMemory));
  throw Unreadable(fmt::format("process {} runs another build of shadowwalk; use that build's `shadowwalk top`", pid));
}

ForeignCounters::~ForeignCounters() {
  munmap(const_cast<std::byte*>(reinterpret_cast<const std::byte*>(counters_) - offsetof(SharedMemory, counters)),
         sizeof(SharedMemory));
}

}  // namespace shadowwalk
