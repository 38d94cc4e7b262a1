#pragma once

#include <cstdint>
#include <vector>

#include "harness/host_kvm/host_plan.hpp"
#include "harness/lab/action_schedule.hpp"

namespace shadowwalk::host_kvm {

/// The host's part of a cell on its kernel, beat by beat. For one thread.
class HostBeats {
 public:
  /// The plan has actions. Both must outlive it.
  HostBeats(TouchVm& vm, const HostPlan& plan)
      : vm_(vm), plan_(plan), schedule_(plan.actions), dirty_before_(vm.dirty_bitmap().size()) {}

  /// What a beat did, in ticks of the cycle clock: its system calls alone.
  struct Beat {
    HostAction::Kind kind;
    std::uint64_t began;
    std::uint64_t ended;
    /// Pages that it concerned: those found dirty; else those of the range, or of the working set.
    std::uint64_t pages;
    /// write_protect: of these, pages that an earlier round had found, too: somebody made them writable since.
    std::uint64_t dirty_again;
  };
  /// The next beat. Throws CellError if the kernel refuses.
  Beat next();

 private:
  PageRange act(const HostAction& action, std::uint64_t& pages);
  /// How many pages of the last round an earlier one had found. Each round once.
  std::uint64_t count_dirty_again();
  PageRange next_range(std::uint64_t pages);

  TouchVm& vm_;
  const HostPlan& plan_;
  ActionSchedule schedule_;
  std::vector<std::uint64_t> dirty_before_;  ///< found by any round, as TouchVm::dirty_bitmap()
  std::uint64_t next_page_ = 0;              ///< of invalidate: from the front to the back, and again
};

}  // namespace shadowwalk::host_kvm
