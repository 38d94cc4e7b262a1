#pragma once

#include <cstdint>
#include <optional>

#include "harness/host_kvm/touch_vm.hpp"
#include "harness/lab/cell_driver.hpp"
#include "harness/machine/cpu.hpp"

namespace shadowwalk::host_kvm {

/// One vCPU thread: enter the guest, serve what it left for, until kRequestStop.
class ToucherThread {
 public:
  static constexpr bool kLeavesCell = true;
  /// `vm` has the vCPU of that index.
  ToucherThread(CellShared& shared, TouchVm& vm, const GuestConfig& guest, unsigned index);
  void run(std::optional<unsigned> cpu);
  Vcpu& vcpu() { return vcpu_; }

  std::uint64_t exits = 0;      ///< in the window
  std::uint64_t lost_slot = 0;  ///< of these, touches served while the memory slot was away
  ThreadDisturbance disturbance;

 private:
  void loop();
  void halt(std::uint64_t idle_us);
  void count(ExitReason reason);
  void finish_burst();

  CellShared& shared_;
  TouchVcpu& guest_;
  const unsigned index_;
  Vcpu vcpu_;
};

}  // namespace shadowwalk::host_kvm
