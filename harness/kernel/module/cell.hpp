// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/kernel/module/cell_threads.hpp"
#include "harness/kernel/module/engine.hpp"
#include "harness/lab/grace_period_record.hpp"

namespace shadowwalk::kernel {

/// One cell, from its request, which has been checked, to its result. Lives outside of the stack.
class Cell {
 public:
  Cell(const shadowwalk_request& request, const KernelVariant& variant);
  ~Cell();
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  /// Blocks for warm-up, window and a little. False: the cell has failed, and refusal() says why.
  bool run(shadowwalk_result& result);
  const Refusal& refusal() const { return shared_.failure.refusal(); }
  /// Its threads did not end: neither they nor the cell can be freed.
  bool is_stuck() const { return stuck_; }

 private:
  bool run_threads();
  int make_threads();
  int make_thread(ThreadRecord& record, std::vector<swk_thread*>& threads, void (*run)(void*), void* self,
                  const char* name, unsigned cpu);
  void start_threads();
  void measure();
  void wait_until(std::uint64_t ticks);
  void end_threads();
  void join(std::vector<swk_thread*>& threads);
  void fill(shadowwalk_result& result) const;

  const shadowwalk_request& request_;
  const KernelVariant& variant_;
  CellShared shared_;
  LiveCounters::Ipis ipi_counters_;
  BasicIpiRecord<KernelMachine> ipis_;
  GracePeriodRecord grace_periods_;
  KernelMachine machine_;  // after what it reports to: its end waits for RCU's callbacks
  std::vector<HostAction> actions_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<VcpuThread>> vcpus_;
  std::vector<std::unique_ptr<ZapperThread>> zappers_;
  std::vector<swk_thread*> vcpu_threads_;
  std::vector<swk_thread*> zapper_threads_;
  std::uint64_t pages_left_ = 0;
  std::uint64_t bytes_held_ = 0;
  bool stuck_ = false;
};

}  // namespace shadowwalk::kernel
