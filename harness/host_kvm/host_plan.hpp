#pragma once

#include <cstdint>
#include <string>

#include "harness/host_kvm/touch_vm.hpp"
#include "harness/lab/cell_config.hpp"

namespace shadowwalk::host_kvm {

/// What a VMM can have the kernel do to a guest's memory, at each beat of the zap rate.
enum class KernelAction {
  flip_memory_slot,   ///< delete the memory slot and add it again
  collect_dirty_log,  ///< one round of dirty logging
  squeeze_quota,      ///< the least page quota, then a large one again
  discard_range,      ///< take a range of pages back, each beat the next one
};

/// How a cell's workload is carried out by the host's own kernel.
struct HostPlan {
  KernelAction action = KernelAction::flip_memory_slot;
  std::uint64_t range_pages = 512;  ///< of discard_range
  TouchConfig touch;
};

/// The shadow pages that KVM_SET_NR_MMU_PAGES leaves a guest at least (KVM_MIN_ALLOC_MMU_PAGES).
inline constexpr unsigned long kLeastQuota = 64;

/// The plan of a cell. Throws InputError, in one line, for what means nothing to the kernel's MMU or what it has no
/// ioctl for.
HostPlan plan_for(const CellConfig& config);

/// The pages [first, first + count) that beat `number` of discard_range takes back.
struct PageRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
PageRange range_of(const HostPlan& plan, std::uint64_t number);

/// Beat `number`, counted from 0. Returns the pages that it concerned: those that were found dirty, those of the range,
/// else those of the working set.
std::uint64_t run_beat(TouchVm& vm, const HostPlan& plan, std::uint64_t number);

/// What the system calls of a beat are, in words.
const char* describe(KernelAction action);

}  // namespace shadowwalk::host_kvm
