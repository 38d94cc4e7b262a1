#pragma once

#include "harness/host_kvm/host_kvm_cell.hpp"
#include "harness/lab/cell_result.hpp"

namespace shadowwalk::host_kvm {

/// A cell's result as docs/result-format.md defines it: what it has in common with the lab's cells, the guest's
/// touches, and of everything else that it cannot be seen from user space.
CellResult make_host_kvm_result(const CellConfig& config, const HostPlan& plan, const HostKvmMeasurement& cell);

}  // namespace shadowwalk::host_kvm
