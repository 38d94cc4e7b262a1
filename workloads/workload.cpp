#include "workloads/workload.hpp"

#include <algorithm>
#include <array>

namespace shadowwalk {
namespace {

constexpr std::array kWorkloads = {
    Workload{
        .name = "mmio-poll",
        .summary = "a guest polls device registers while the host recycles shadow pages: the 2012 patch's own case",
        .guest_part = "reads the pages of a device region over and over, uniformly at random; each read is an MMIO "
                      "fault that walks to an MMIO SPTE",
        .host_part =
            "recycles the oldest leaf table; one zap in 16 takes a level-2 subtree, one in 256 a level-3 subtree",
        .stresses = "the read side, and freeing under walkers that never stop",
        .program = "mmio-poll",
        .write_percent = 0,
        .action = HostAction::recycle_pages},
    Workload{.name = "demand-fault",
             .summary = "a guest touches ever more memory under a page quota: growth beside recycling",
             .guest_part =
                 "one access in 8 touches the next new page, the others touch again one of the last working-set "
                 "pages; 30 % write",
             .host_part = "zaps the oldest leaf table, as the page quota and the old shrinker do",
             .stresses = "the fault path and mmu_lock beside the zapper; allocation right after freeing",
             .program = "demand-fault",
             .write_percent = 30,
             .action = HostAction::zap_oldest_page},
    Workload{
        .name = "memslot-flip",
        .summary = "the host deletes and adds a memslot while the guest runs: everything is zapped at once",
        .guest_part = "reads and writes (30 %) its RAM uniformly at random",
        .host_part = "flips the valid generation and zaps everything oldest first, with lock breaks and one commit",
        .stresses = "large batches, root reloads, requests to all vCPUs",
        .program = "memslot-flip",
        .write_percent = 30,
        .action = HostAction::zap_everything},
};

constexpr double kEntries = 512;

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

const Workload* find_workload(std::string_view name) {
  const auto found = std::find_if(kWorkloads.begin(), kWorkloads.end(), [&](const auto& w) { return w.name == name; });
  return found == kWorkloads.end() ? nullptr : &*found;
}

double pages_retired_per_zap(HostAction action, std::uint64_t working_set) {
  // A working set that is not aligned lies in one table more at each level.
  const double level1 = static_cast<double>(working_set) / kEntries + 2;
  const double level2 = level1 / kEntries + 2;
  const double level3 = level2 / kEntries + 2;
  switch (action) {
    case HostAction::recycle_pages:
      return 1 + (level1 + 1) / 16 + (level1 + level2 + 1) / 256;
    case HostAction::zap_oldest_page:
      return 1;
    case HostAction::zap_everything:
      return level1 + level2 + level3 + 1;
  }
  return 1;
}

}  // namespace shadowwalk
