#include "harness/mmu/page_pool.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

/// The kernel aligns a mapping for huge pages only if its size is a multiple of theirs.
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::size_t mapped_bytes(std::size_t bytes) {
  return bytes < kHugePageBytes ? bytes : (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

/// Small reservations that were given back, for the next of their size on this thread: a search over schedules makes a
/// pool per execution, and to map its memory would take longer than the execution. They stay until the process ends.
class Spares {
 public:
  void* take(std::size_t bytes) {
    for (Spare& spare : spares_) {
      if (spare.base != nullptr && spare.bytes == bytes) return std::exchange(spare.base, nullptr);
    }
    return nullptr;
  }
  /// In place of the spare that was given back first.
  void keep(void* base, std::size_t bytes) {
    Spare& oldest = spares_[next_++ % spares_.size()];
    if (oldest.base != nullptr) munmap(oldest.base, oldest.bytes);
    oldest = {base, bytes};
  }

 private:
  struct Spare {
    void* base = nullptr;
    std::size_t bytes = 0;
  };
  std::array<Spare, 2> spares_;  // a pool has two reservations
  std::size_t next_ = 0;
};
thread_local Spares spares;

}  // namespace

Reservation::Reservation(std::size_t bytes) : base_(spares.take(mapped_bytes(bytes))), bytes_(mapped_bytes(bytes)) {
  if (base_ != nullptr) return;
  base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base_ == MAP_FAILED) {
    throw CellError(fmt::format("cannot reserve {} MiB of address space: {}; raise the limit (ulimit -v)", bytes >> 20,
                                std::strerror(errno)));
  }
  // As in a kernel's direct map, tables should not cost the walker a TLB miss each. A hint: may be refused.
  if (bytes_ >= kHugePageBytes) madvise(base_, bytes_, MADV_HUGEPAGE);
}

Reservation::~Reservation() {
  if (bytes_ < kHugePageBytes) {
    spares.keep(base_, bytes_);
  } else {
    munmap(base_, bytes_);
  }
}

void fail_exhausted_pool(std::size_t unfreed, std::size_t capacity, std::string_view variant) {
  throw CellError(fmt::format("the page pool is exhausted: {} of {} shadow pages are unlinked and not yet freed by {}",
                              unfreed, capacity, variant));
}

}  // namespace shadowwalk
