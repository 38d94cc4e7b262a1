#include "harness/host_kvm/host_kvm.hpp"

#include "harness/host_kvm/host_kvm_cell.hpp"
#include "harness/host_kvm/host_kvm_result.hpp"

namespace shadowwalk::host_kvm {
namespace {

constexpr VariantInfo kInfo{
    .name = "host-kvm",
    .summary = "kernel (reference): the same guests, served by the running kernel's own MMU and zapped by its ioctls",
    .source = "arch/x86/kvm/mmu of the kernel that runs: another implementation, in kernel space",
    .read_side_cost = "not visible: the guest clocks its touches instead, hits and first ones after a zap apart",
    .unreclaimed_bound = "not visible: SecPageTables of the host before, at the peak and after",
    .needs = "/dev/kvm on x86-64, memory for the working set"};

CellResult measure(const CellConfig& config) {
  const HostPlan plan = plan_for(config);
  return make_host_kvm_result(config, plan, run_host_kvm_cell(config, plan));
}

}  // namespace

void add_host_kvm(Registry& registry) {
  registry.add({.info = kInfo,
                .make_engine = nullptr,
                .can_zap = true,
                .check_cell = [](const CellConfig& config) { plan_for(config); },
                .measure_cell = measure});
}

}  // namespace shadowwalk::host_kvm
