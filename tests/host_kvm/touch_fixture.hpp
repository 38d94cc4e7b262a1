#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <set>
#include <string>

#include "harness/host_kvm/host_kvm.hpp"
#include "harness/host_kvm/host_kvm_cell.hpp"
#include "harness/host_kvm/touch_vm.hpp"
#include "harness/machine/error.hpp"
#include "workloads/guest/guest_program.hpp"

namespace shadowwalk::host_kvm {

/// The cell, with `host-kvm` among the variants.
template <class Cell>
PreparedCell prepared(const Cell& cell) {
  if (Registry::instance().find("host-kvm") == nullptr) add_host_kvm(Registry::instance());
  return prepare_cell(cell);
}
inline HostPlan plan_for(const CellConfig& config) { return plan_for(prepared(config)); }

}  // namespace shadowwalk::host_kvm

namespace shadowwalk::host_kvm::test {

/// A guest that touches `pages` pages of RAM uniformly.
inline TouchConfig touch_config(std::uint64_t pages, unsigned burst, unsigned vcpus = 1, std::uint32_t writes = 30) {
  TouchConfig config;
  config.guest = {
      .kind = GuestKind::kvm, .vcpus = vcpus, .burst = burst, .params = uniform_guest(pages, writes), .program = {}};
  config.guest.params.seed = 42;
  config.pages = pages;
  return config;
}

/// Runs whole bursts. Returns how many touches were served from here, as their memory slot was away.
inline std::uint64_t run_bursts(TouchVcpu& vcpu, unsigned bursts) {
  std::uint64_t lost_slot = 0;
  while (bursts != 0) {
    const TouchExit exit = vcpu.run();
    if (exit == TouchExit::burst) --bursts;
    if (exit == TouchExit::lost_slot) ++lost_slot;
  }
  return lost_slot;
}

inline std::uint64_t count(const TouchHistogram& histogram) {
  return std::accumulate(std::begin(histogram.counts), std::end(histogram.counts), std::uint64_t{0});
}
inline std::uint64_t count(const TouchLog& log, TouchKind kind) { return count(log.of[static_cast<unsigned>(kind)]); }
inline std::uint64_t count(const TouchLog& log) {
  std::uint64_t all = 0;
  for (const TouchHistogram& histogram : log.of) all += count(histogram);
  return all;
}

/// What the guest stored last into each page; 0: nothing.
inline std::uint64_t stored_in(const TouchVm& vm, std::uint64_t page) {
  std::uint64_t word = 0;
  std::memcpy(&word, vm.working_set().data() + (working_set_address(page) - kWorkingSetBase), sizeof word);
  return word;
}

/// A statistic of the kernel; the test is skipped where it has none of that name.
struct Counted {
  bool known = false;
  std::uint64_t value = 0;
};
inline Counted statistic(const TouchVm& vm, const std::string& name) {
  const KvmStatistics all = vm.statistics();
  const auto found = all.values.find(name);
  return found == all.values.end() ? Counted{} : Counted{.known = true, .value = found->second.value};
}

}  // namespace shadowwalk::host_kvm::test

/// Ends a test with the reason where KVM guests cannot run.
#define SHADOWWALK_NEED_KVM() \
  if (const std::string reason = ::shadowwalk::kvm_unavailable_reason(); !reason.empty()) GTEST_SKIP() << reason
