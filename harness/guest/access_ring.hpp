#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/guest/access.hpp"
#include "harness/guest/guest_abi.hpp"

namespace shadowwalk {

/// The host's side of one vCPU's access ring: the only code that reads what a guest wrote.
/// The memory is hostile and may change while it is read (a guest's other vCPUs can write to it), so each word is read
/// once, checked, and kept in a copy that the guest cannot reach. For the vCPU's own thread.
class AccessRing {
 public:
  /// Bytes of guest memory that a ring of `capacity` entries takes.
  static constexpr std::size_t bytes_for(unsigned capacity) {
    return sizeof(guest_abi::AccessRingHeader) + capacity * sizeof(Access);
  }

  /// `memory` holds bytes_for(capacity) zeroed bytes, aligned to 64, that outlive the ring.
  AccessRing(std::byte* memory, unsigned capacity, unsigned vcpu);

  /// Copies the published burst out. The span stays valid until the next call and is never empty.
  /// Throws CellError, naming the vCPU and what was wrong, unless the length is 1..capacity, the header's count has
  /// moved on by exactly that, the vCPU halts for guest_abi::kMaxIdleUs at most, and each entry has a gfn below
  /// guest_abi::kWindowPages.
  std::span<const Access> take();

  /// How long the vCPU halts after the burst that was taken last; 0 before the first.
  std::uint64_t idle_us() const { return idle_us_; }

 private:
  [[noreturn]] void reject_entry(std::span<const Access> burst) const;

  std::byte* const memory_;
  const unsigned vcpu_;
  std::uint64_t taken_ = 0;
  std::uint64_t idle_us_ = 0;
  std::vector<Access> copy_;
};

}  // namespace shadowwalk
