#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "harness/guest/access.hpp"
#include "harness/lab/walk_record.hpp"
#include "harness/machine/native_machine.hpp"
#include "harness/measure/footprint.hpp"
#include "harness/mmu/zap_times.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

/// One vCPU's side of an engine. Made, used and destroyed on the vCPU's own thread.
class EngineVcpu {
 public:
  virtual ~EngineVcpu() = default;
  /// Walks for each access, through the fault path where the walk does not serve it. One virtual call a burst.
  virtual void walk(std::span<const Access> accesses, WalkRecord& record) = 0;
  /// begin() and end() of the variant's read-side section around nothing, `count` times; nothing for the floor.
  virtual void empty_sections(std::size_t count) = 0;
  /// Around running the guest and idling.
  virtual void offline() = 0;
  virtual void online() = 0;
  /// Serves kRequestReloadRoot.
  virtual void reload_root() = 0;

  virtual std::uint64_t restarts() const = 0;
  virtual std::uint64_t violations() const = 0;
  virtual const std::string& first_violation() const = 0;
};

/// What the lab drives: an MMU with a variant behind virtual calls that are a burst or a zap long, or the floor.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::unique_ptr<EngineVcpu> attach_vcpu(unsigned index) = 0;

  /// One beat of the workload's host part; `beat` counts from 0. Returns the shadow pages unlinked.
  virtual std::size_t zap(HostAction action, std::uint64_t beat) = 0;

  /// After the last vCPU has gone: zaps what is left and has the variant free everything. A page that is not freed then
  /// is a broken invariant.
  virtual void drain() = 0;

  virtual const Footprint& footprint() const = 0;
  virtual const Histogram& mmu_lock_wait_ns() const = 0;
  virtual const Histogram& mmu_lock_hold_ns() const = 0;
  virtual const ZapTimes& zap_times() const = 0;
};

}  // namespace shadowwalk
