#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace shadowwalk {

/// What the host does to the guest's memory at each beat of the zap rate.
enum class HostAction {
  recycle_pages,    ///< the oldest leaf table; one beat in 16 a level-2 subtree, one in 256 a level-3 subtree
  zap_oldest_page,  ///< the oldest leaf table
  zap_everything,   ///< valid-generation flip: a memslot is deleted or moved
};

/// A named case: what the guest runs and what the host does meanwhile. Constant data.
struct Workload {
  std::string_view name;
  std::string_view summary;     ///< one line: the real-world case
  std::string_view guest_part;  ///< what the guest does
  std::string_view host_part;   ///< what the host does, at the zap rate
  std::string_view stresses;    ///< what it tells about a scheme
  std::string_view program;     ///< the guest program (workloads/guest/)
  std::uint32_t write_percent;  ///< share of the guest's RAM accesses that write, 0..100
  HostAction action;
};

/// In the order in which they are listed.
std::span<const Workload> workloads();
/// Null if there is none of that name.
const Workload* find_workload(std::string_view name);

/// How many shadow pages one beat retires on average, at most: what a cell's memory is planned by.
/// `working_set`: pages of 4 KiB.
double pages_retired_per_zap(HostAction action, std::uint64_t working_set);

}  // namespace shadowwalk
