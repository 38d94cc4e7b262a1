#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/host_kvm/host_plan.hpp"
#include "harness/lab/engine.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk::host_kvm {

/// One beat of the host, and what it did.
struct HostBeat {
  HostAction::Kind kind;
  /// Pages that it concerned: those found dirty; else those of the range, or of the working set.
  std::uint64_t pages;
  /// write_protect: of these, pages that an earlier round had found too: the guest made them writable since.
  std::uint64_t dirty_again = 0;
};

/// What the beats of a cell did in its whole life.
struct BeatTotals {
  std::uint64_t beats = 0;  ///< that concerned some page
  std::uint64_t dirty_rounds = 0;
  std::uint64_t dirty_pages = 0;
  std::uint64_t dirty_again = 0;  ///< of these, pages that an earlier round had found, too
  std::uint64_t shrinks = 0;

  void add(const HostBeat& beat);
};

/// The host's actions in a cell on its kernel, as the ioctls of a VMM. For one thread.
class HostBeats final : public HostActionTarget {
 public:
  /// The plan has actions. All must outlive it.
  HostBeats(TouchVm& vm, const HostPlan& plan, const Window& window)
      : vm_(vm), plan_(plan), window_(window), dirty_before_(vm.dirty_bitmap().size()) {}

  /// One beat: its system calls, and what the guest must know of it. `leaves` of the result are the pages concerned.
  /// Throws CellError if the kernel refuses.
  Zapped act(const HostAction& action) override;
  /// Counts the last beat, of which it completes `dirty_again`.
  void acted(std::uint64_t ended) override;

  const HostBeat& last() const { return last_; }
  /// When the zapper has stopped.
  const BeatTotals& totals() const { return totals_; }
  /// That the rounds of dirty logging found in the window.
  std::uint64_t dirty_pages() const { return dirty_pages_; }

 private:
  PageRange perform(const HostAction& action, std::uint64_t& pages);
  /// How many pages of the last round an earlier one had found. Each round once.
  std::uint64_t count_dirty_again();
  PageRange next_range(std::uint64_t pages);

  TouchVm& vm_;
  const HostPlan& plan_;
  const Window& window_;
  HostBeat last_{};
  BeatTotals totals_;
  std::uint64_t dirty_pages_ = 0;
  std::vector<std::uint64_t> dirty_before_;  ///< found by any round, as TouchVm::dirty_bitmap()
  std::uint64_t next_page_ = 0;              ///< of invalidate: from the front to the back, and again
};

/// What workloads are about, by the names that `requires_events` uses: the events of which a cell on the host's own
/// kernel can know whether they happened. `recycled`: the kernel's mmu_recycled over the cell's whole life; none where
/// it has no such count. Pure.
std::map<std::string, std::uint64_t> host_kvm_events(const HostPlan& plan, const BeatTotals& totals,
                                                     std::optional<std::uint64_t> recycled);

}  // namespace shadowwalk::host_kvm
