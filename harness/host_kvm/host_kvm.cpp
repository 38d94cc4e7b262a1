#include "harness/host_kvm/host_kvm.hpp"

#include "harness/host_kvm/host_kvm_cell.hpp"
#include "harness/host_kvm/host_kvm_result.hpp"
#include "harness/lab/workload_events.hpp"

namespace shadowwalk::host_kvm {
namespace {

constexpr VariantInfo kInfo{
    .name = "host-kvm",
    .family = Family::kernel,
    .summary = "kernel (reference): the same guests, served by the running kernel's own MMU and zapped by its ioctls",
    .source = "arch/x86/kvm/mmu of the kernel that runs: another implementation, in kernel space",
    .read_side_cost = "not visible: the guest clocks its touches instead, hits and first ones after a zap apart",
    .unreclaimed_bound = "not visible: SecPageTables of the host before, at the peak and after",
    .needs = "/dev/kvm on x86-64, memory for the working set"};

CellResult measure(const CellConfig& config) {
  const HostPlan plan = plan_for(config);
  const HostKvmMeasurement cell = run_host_kvm_cell(config, plan);
  check_promises(load_workload(config.workload), cell.events, config.zappers != 0);
  return make_host_kvm_result(config, plan, cell);
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
