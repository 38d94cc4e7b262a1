// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "harness/kernel/abi.h"
#include "harness/kernel/module/kernel_machine.hpp"
#include "harness/lab/engine_vcpu.hpp"
#include "harness/lab/mmu_measurement.hpp"
#include "harness/mmu/mmu_counts.hpp"
#include "variants/contract.hpp"
#include "workloads/host_action.hpp"

namespace shadowwalk::kernel {

class CellFailure;

/// What a cell drives: the MMU with a variant behind virtual calls that are a burst or a zap long.
class Engine {
 public:
  virtual ~Engine() = default;
  /// False: the memory of its pages was refused, and it must not be used.
  virtual bool has_memory() const = 0;
  /// Made, used and destroyed on the vCPU's own thread.
  virtual std::unique_ptr<EngineVcpu> attach_vcpu(unsigned index) = 0;
  /// One beat. Any zapper thread.
  virtual Zapped act(const HostAction& action) = 0;
  /// The cell is over: a beat that waits for pages to be freed gives up. Any thread.
  virtual void stop_waiting() = 0;
  /// After the last vCPU has gone: zaps what is left and has the variant free everything. The pages that are left.
  virtual std::uint64_t drain() = 0;
  virtual MmuRecords records() const = 0;
};

/// What engines are made of.
struct EngineConfig {
  const shadowwalk_request& request;
  KernelMachine& machine;
  const Window& window;
  CellFailure& failure;
};

/// A variant of the shelf, as a kernel can have it.
struct KernelVariant {
  VariantInfo info;
  std::unique_ptr<Engine> (*make_engine)(const EngineConfig& config) = nullptr;

  bool uses_rcu() const { return info.needs.starts_with("RCU") || info.kernel_only; }
  /// Why the running kernel cannot have it; empty: it can.
  std::string_view why_not() const;
  /// Why it needs a mmu_lock that sleeps; empty: it does not.
  std::string_view needs_mutex() const;
};
/// `index` is below shelf_size().
const KernelVariant& variant(std::size_t index);
std::size_t shelf_size();

}  // namespace shadowwalk::kernel
