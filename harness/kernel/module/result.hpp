// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include "harness/kernel/abi.h"
#include "harness/kernel/module/cell_threads.hpp"
#include "harness/lab/grace_period_record.hpp"
#include "harness/lab/mmu_measurement.hpp"

/// From what a cell recorded to what user space reads. The result lies outside of the stack, zeroed; everything is
/// added to it in place.
namespace shadowwalk::kernel {

void add(shadowwalk_histogram& to, const Histogram& from);
void add(shadowwalk_histogram& to, const ConcurrentHistogram& from);
void add_vcpu(shadowwalk_result& to, const VcpuThread& from);
void add_zapper(shadowwalk_result& to, const ZapperThread& from);
void add_records(shadowwalk_result& to, const MmuRecords& from);
void add_grace_periods(shadowwalk_grace_periods& to, const GracePeriodRecord::Counts& from);

}  // namespace shadowwalk::kernel
