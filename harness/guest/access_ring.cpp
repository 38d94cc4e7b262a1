#include "harness/guest/access_ring.hpp"

#include <fmt/core.h>

#include <atomic>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using guest_abi::AccessRingHeader;

constexpr std::uint64_t kWordEnd = Access::make(guest_abi::kWindowPages, AccessKind::read).word;

/// Exactly one load: an ordinary read may be repeated by the compiler, and the second may see another value.
std::uint64_t read_once(const std::byte* word) {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(const_cast<std::byte*>(word)))
      .load(std::memory_order_relaxed);
}

/// All four kinds are known: only the gfn can be wrong.
constexpr bool is_sound(Access access) { return access.word < kWordEnd; }

}  // namespace

AccessRing::AccessRing(std::byte* memory, unsigned capacity, unsigned vcpu)
    : memory_(memory), vcpu_(vcpu), copy_(capacity) {}

std::span<const Access> AccessRing::take() {
  // Relaxed loads do: the burst was written before the exit that brought this thread here.
  const std::uint64_t length = read_once(memory_ + offsetof(AccessRingHeader, length));
  const std::uint64_t produced = read_once(memory_ + offsetof(AccessRingHeader, produced));
  if (length == 0 || length > copy_.size()) {
    throw CellError(
        fmt::format("guest vCPU {}: ring length {} is not in 1..{}: the guest lies", vcpu_, length, copy_.size()));
  }
  if (produced - taken_ != length) {
    throw CellError(fmt::format("guest vCPU {}: ring count {} after {} and a burst of {}: the guest lies", vcpu_,
                                produced, taken_, length));
  }
  const std::uint64_t idle = read_once(memory_ + offsetof(AccessRingHeader, idle_us));
  if (idle > guest_abi::kMaxIdleUs) {
    throw CellError(fmt::format("guest vCPU {}: ring idle time of {} us is beyond {}: the guest lies", vcpu_, idle,
                                guest_abi::kMaxIdleUs));
  }
  taken_ = produced;
  idle_us_ = idle;

  const std::byte* entries = memory_ + sizeof(AccessRingHeader);
  bool sound = true;
  for (std::size_t i = 0; i < length; ++i) {
    copy_[i] = Access{read_once(entries + i * sizeof(Access))};
    sound &= is_sound(copy_[i]);
  }
  const std::span<const Access> burst(copy_.data(), length);
  if (!sound) reject_entry(burst);
  return burst;
}

void AccessRing::reject_entry(std::span<const Access> burst) const {
  std::size_t i = 0;
  while (is_sound(burst[i])) ++i;
  throw CellError(fmt::format("guest vCPU {}: ring entry {} of {} has gfn {:#x}, beyond {:#x}: the guest lies", vcpu_,
                              i, burst.size(), burst[i].gfn(), guest_abi::kWindowPages - 1));
}

}  // namespace shadowwalk
