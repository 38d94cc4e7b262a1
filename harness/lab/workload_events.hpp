#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/lab/mmu_measurement.hpp"
#include "harness/machine/error.hpp"
#include "harness/mmu/walk_counts.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// A cell in which what its workload is about did not happen: it measured something else.
class ExpectedEventMissing : public CellError {
  using CellError::CellError;
};

/// What happened in a cell's whole life of what workloads are about, by the names that results and `requires_events`
/// use. `zaps`: beats that found something.
std::map<std::string, std::uint64_t> workload_events(const WalkCounts& walks, const HostActionCounts& host,
                                                     std::uint64_t zaps);

/// Throws InputError if the workload promises an event that there is not.
void check_promised_names(const Workload& workload);

/// Throws ExpectedEventMissing, naming the event and what to do, if one that the workload promises did not happen.
/// `zappers`: whether the cell has any; without, the host's part is not promised.
void check_promises(const Workload& workload, const std::map<std::string, std::uint64_t>& events, bool zappers);

}  // namespace shadowwalk
