#include <fmt/format.h>

#include <string>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_guest.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/registry.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/placement.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk {

void check_cell(const CellConfig& config) {
  const VariantEntry& variant = Registry::instance().at(config.variant);
  if (const std::string reason = why_unavailable(variant.info); !reason.empty()) {
    throw InputError(fmt::format("variant '{}' cannot run here: {}; `shadowwalk list variants` tells which can",
                                 variant.info.name, reason));
  }
  if (replays(config)) return check_replay(config, variant);
  if (config.pace) {
    throw InputError(fmt::format("--speed, --closed-loop: workload '{}' is no trace, which alone has a pace of its own",
                                 config.workload));
  }
  if (config.guest == GuestKind::trace) {
    throw InputError(fmt::format("--guest trace: workload '{}' is no trace", config.workload));
  }
  const Workload workload = load_workload(config.workload);
  if (!variant.can_zap && config.zappers != 0) {
    throw InputError(fmt::format("variant '{}' cannot zap: give --zappers 0", config.variant));
  }
  if (workload.host.empty() && config.zappers != 0) {
    throw InputError(fmt::format("workload '{}' has nothing for zappers to do: give --zappers 0", workload.name));
  }
  check_promised_names(workload);
  guest_config(config, workload);  // throws if a knob does not suit the workload
  Placement::parse(config.placement);
  if (variant.is_reference()) return variant.check_cell(config);
  if (config.guest == GuestKind::kvm) {
    if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) {
      throw InputError(fmt::format("--guest kvm: {}; --guest thread runs here", reason));
    }
  }
  page_budget(config, workload);
}

}  // namespace shadowwalk
