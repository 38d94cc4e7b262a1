#pragma once

#include <cstdint>
#include <exception>
#include <latch>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "harness/machine/native_machine.hpp"

namespace shadowwalk::host {

/// vCPUs in guest mode, as targets of IPIs. Each spins on a CPU of its own until it must exit, and then enters again at
/// once.
class GuestModeVcpus {
 public:
  /// One vCPU per element: the CPU that it is pinned to, or nothing to leave it to the scheduler. Returns when all are
  /// in guest mode. Throws CellError if one cannot be pinned.
  explicit GuestModeVcpus(std::vector<std::optional<unsigned>> cpus);
  GuestModeVcpus(const GuestModeVcpus&) = delete;
  GuestModeVcpus& operator=(const GuestModeVcpus&) = delete;

  std::span<Vcpu* const> vcpus() const { return machine_.vcpus(); }
  void wait_until_in_guest() const;

  /// From the request until the last vCPU has acknowledged its IPI, a signal; in ns. Returns when all are in guest mode
  /// again. The caller is none of them. Tries again where one is just leaving the guest; throws CellError if no try
  /// meets all of them there.
  double time_signal_ipi() const;

 private:
  struct alignas(64) ImmediateExit {
    std::uint8_t byte = 0;
  };

  void run(unsigned index, const std::stop_token& stop);

  const std::vector<std::optional<unsigned>> cpus_;
  NativeMachine machine_;
  std::vector<ImmediateExit> immediate_exits_;
  std::vector<std::exception_ptr> failures_;  // of pinning, one per vCPU
  std::latch started_;
  std::vector<std::jthread> threads_;
};

}  // namespace shadowwalk::host
