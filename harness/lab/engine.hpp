#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "harness/guest/access.hpp"
#include "harness/lab/cell_records.hpp"
#include "harness/lab/engine_vcpu.hpp"
#include "harness/lab/mmu_measurement.hpp"
#include "harness/lab/replay_action.hpp"
#include "harness/lab/tree_vcpu.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/mmu/fault.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// What performs the workload's host actions: an engine of the lab, or the host's own kernel. Any zapper thread.
class HostActionTarget {
 public:
  virtual ~HostActionTarget() = default;
  /// One beat, which the zapper clocks.
  virtual Zapped act(const HostAction& action) = 0;
  /// After each beat, outside of what is clocked. `ended`: the beat's end, in ticks of the cycle clock.
  virtual void acted(std::uint64_t /*ended*/) {}
};

/// What the lab drives: an MMU with a variant behind virtual calls that are a burst or a zap long, or the floor.
class Engine : public HostActionTarget {
 public:
  virtual std::unique_ptr<EngineVcpu> attach_vcpu(unsigned index) = 0;

  using HostActionTarget::act;
  /// What a trace holds. Any thread that is outside a read-side section and offline, vCPUs included.
  virtual Zapped act(const ReplayAction& action) = 0;
  /// The cell is over: a beat that waits for pages to be freed gives up. Any thread.
  virtual void stop_waiting() = 0;

  /// After the last vCPU has gone: zaps what is left and has the variant free everything. A page that is not freed then
  /// is a broken invariant.
  virtual void drain() = 0;

  virtual MmuRecords records() const = 0;
};

}  // namespace shadowwalk
