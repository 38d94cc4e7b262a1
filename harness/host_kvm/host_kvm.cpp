#include "harness/host_kvm/host_kvm.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "harness/host_kvm/host_kvm_cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/lab/workload_events.hpp"

namespace shadowwalk::host_kvm {
namespace {

using nlohmann::json;

constexpr const char* kHidden = "host-kvm: the kernel's own MMU; not visible from user space";

/// Why a kind of touch has no figures, when touches were clocked.
std::string why_no(TouchKind kind, const HostPlan& plan, bool zapped) {
  if (kind == TouchKind::device) return "the guest's program has no MMIO accesses";
  if (plan.touch.coverage == Coverage::unknown && kind != TouchKind::hit && zapped) {
    return "the kernel chooses the tables that it recycles and does not report them: touch_ns holds the faults";
  }
  return "no such touch in the window";
}

Touches touches_of(const HostPlan& plan, const HostKvmMeasurement& cell) {
  const bool zapped = !plan.actions.empty() || plan.quota != 0;
  const auto because = [&](std::string why) { return cell.clock_missing.empty() ? why : cell.clock_missing; };
  const auto kind = [&](TouchKind of) {
    return Touches::Kind{cell.touch_ns[static_cast<std::uint32_t>(of)], because(why_no(of, plan, zapped))};
  };
  Touches touches{.count = cell.touches,
                  .seconds = cell.touching_s,
                  .lost_slot = cell.lost_slot,
                  .dirty_pages = {},
                  .all = {{}, because("the guest touched no memory in the window")},
                  .hit = kind(TouchKind::hit),
                  .first = kind(TouchKind::first),
                  .unclear = kind(TouchKind::unclear),
                  .device = kind(TouchKind::device),
                  .clock_read = {cell.clock_ns, because("touches were not clocked")}};
  for (const Touches::Kind* memory : {&touches.hit, &touches.first, &touches.unclear}) {
    touches.all.ns.merge(memory->ns);
  }
  // Where the guest cannot distinguish hits from first touches, everything is in `hit` and belongs to neither.
  if (plan.touch.coverage == Coverage::unknown && zapped) {
    touches.hit = {{}, because(why_no(TouchKind::first, plan, zapped))};
  }
  if (plan.touch.log_dirty_pages) touches.dirty_pages = cell.dirty_pages;
  return touches;
}

constexpr VariantInfo kInfo{
    .name = "host-kvm",
    .family = Family::kernel,
    .summary = "kernel (reference): the same guests, served by the running kernel's own MMU and zapped by its ioctls",
    .source = "arch/x86/kvm/mmu of the kernel that runs: another implementation, in kernel space",
    .read_side_cost = "not visible: the guest clocks its touches instead, hits and first ones after a zap apart",
    .unreclaimed_bound = "not visible: SecPageTables of the host before, at the peak and after",
    .needs = "/dev/kvm on x86-64, memory for the working set"};

class PlannedCell final : public ReferenceCell {
 public:
  explicit PlannedCell(HostPlan plan) : plan_(std::move(plan)) {}
  CellResult measure(const PreparedCell& cell) const override {
    const HostKvmMeasurement measured = run_host_kvm_cell(cell, plan_);
    check_required_events(cell.workload, measured.events, cell.config.zappers != 0);
    return make_host_kvm_result(cell.config, plan_, measured);
  }

 private:
  const HostPlan plan_;
};

}  // namespace

CellResult make_host_kvm_result(const CellConfig& config, const HostPlan& plan, const HostKvmMeasurement& cell) {
  const Touches touches = touches_of(plan, cell);
  CellResult result = make_result(
      {.config = config, .cell = cell.common, .kind = CellKind::host_kvm, .why_hidden = kHidden, .touches = &touches});
  result.details["unavailable"]["walk_ns_mean"] =
      std::string(kHidden) + "; real_time is the window over the touches of one vCPU";
  json& memory = result.details["memory"];
  if (cell.sec_page_tables_peak && memory.contains("sec_page_tables_bytes")) {
    json& bytes = memory["sec_page_tables_bytes"];
    const auto ends = std::max(bytes["before"].get<std::uint64_t>(), bytes["after"].get<std::uint64_t>());
    bytes["peak"] = std::max(*cell.sec_page_tables_peak, ends);
    bytes["peak_interval_ms"] = HostKvmMeasurement::kSampleInterval.count();
  }
  result.details["reference"] = {{"implementation", "the host kernel's own MMU, in kernel space"},
                                 {"host_action", describe(plan)},
                                 {"kvm", kvm_modules()}};
  return result;
}

void add_host_kvm(Registry& registry) {
  registry.add({.info = kInfo,
                .make_engine = nullptr,
                .can_zap = true,
                .prepare_reference = [](const PreparedCell& cell) -> std::shared_ptr<const ReferenceCell> {
                  return std::make_shared<PlannedCell>(plan_for(cell));
                }});
}

}  // namespace shadowwalk::host_kvm
