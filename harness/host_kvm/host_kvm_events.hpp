#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "harness/host_kvm/host_beats.hpp"

namespace shadowwalk::host_kvm {

/// What the beats of a cell did in its whole life.
struct BeatTotals {
  std::uint64_t beats = 0;  ///< that concerned some page
  std::uint64_t dirty_rounds = 0;
  std::uint64_t dirty_pages = 0;
  std::uint64_t dirty_again = 0;  ///< of these, pages that an earlier round had found, too
  std::uint64_t shrinks = 0;

  void add(const HostBeats::Beat& beat);
};

/// What workloads are about, by the names that `requires_events` uses: those of which a cell on the host's own kernel
/// can tell whether they happened. `recycled`: the kernel's mmu_recycled over the cell's whole life; none where it does
/// not tell. Pure.
std::map<std::string, std::uint64_t> host_kvm_events(const HostPlan& plan, const BeatTotals& totals,
                                                     std::optional<std::uint64_t> recycled);

}  // namespace shadowwalk::host_kvm
