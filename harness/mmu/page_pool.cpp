#include "harness/mmu/page_pool.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

/// The kernel aligns a mapping for huge pages only if its size is a multiple of theirs.
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

constexpr std::size_t mapped_bytes(std::size_t bytes) {
  return bytes < kHugePageBytes ? bytes : (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

}  // namespace

Reservation::Reservation(std::size_t bytes) : bytes_(mapped_bytes(bytes)) {
  base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base_ == MAP_FAILED) {
    throw CellError(fmt::format("cannot reserve {} MiB of address space: {}", bytes >> 20, std::strerror(errno)));
  }
  // As in a kernel's direct map, tables should not cost the walker a TLB miss each. A hint: may be refused.
  if (bytes_ >= kHugePageBytes) madvise(base_, bytes_, MADV_HUGEPAGE);
}

Reservation::~Reservation() { munmap(base_, bytes_); }

void fail_exhausted_pool(std::size_t unfreed, std::size_t capacity, std::string_view variant) {
  throw CellError(fmt::format("the page pool is exhausted: {} of {} shadow pages are unlinked and not yet freed by {}",
                              unfreed, capacity, variant));
}

}  // namespace shadowwalk
