#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/lab/cell.hpp"
#include "harness/machine/error.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// An event that the cell's workload requires did not happen: the cell measured something else.
class ExpectedEventMissing : public CellError {
  using CellError::CellError;
};

/// What happened in a cell's whole life, by the names of the counters in figures.hpp that `requires_events` can hold.
std::map<std::string, std::uint64_t> workload_events(const CellMeasurement& cell);

/// Throws InputError if the workload requires an event that does not exist.
void check_required_names(const Workload& workload);

/// Throws ExpectedEventMissing, naming the event and what to do, if one that the workload requires did not happen.
/// `zappers`: whether the cell has any; without them, what the host's part requires is not checked.
void check_required_events(const Workload& workload, const std::map<std::string, std::uint64_t>& events, bool zappers);

}  // namespace shadowwalk
