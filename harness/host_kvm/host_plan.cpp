#include "harness/host_kvm/host_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"

namespace shadowwalk::host_kvm {
namespace {

using Kind = HostAction::Kind;

constexpr std::uint64_t kPagesATable = 512;

struct Memory {
  std::uint64_t pages = 0;
  bool grows = false;  ///< into pages that have no memory yet
};

/// What the guest's streams touch. One that grows for ever has a part of this host's memory to grow into.
Memory memory_of(const GuestParams& params) {
  constexpr std::uint64_t kGrowth = 64;
  const std::uint64_t spare = available_memory_bytes() / 4 / guest_abi::kPageBytes;
  Memory memory;
  for (std::uint32_t phase = 0; phase < params.phase_count; ++phase) {
    for (std::uint32_t i = 0; i < params.phases[phase].stream_count; ++i) {
      const AccessStream& stream = params.phases[phase].streams[i];
      if (stream.mmio_percent == 100) continue;
      const bool grows = stream.locality == Locality::growth;
      const std::uint64_t pages =
          grows ? std::max(stream.pages, std::min(stream.pages * kGrowth, spare)) : stream.pages;
      memory.pages = std::max(memory.pages, params.base_gfn + stream.first_page + pages);
      memory.grows |= grows;
    }
  }
  return memory;
}

/// Options that are about the lab's own MMU.
void refuse_what_is_the_labs(const CellConfig& config) {
  struct Option {
    const char* name;
    bool given;
  };
  for (const Option& option :
       {Option{"--checks full", config.full_checks}, Option{"--read-delay", config.read_delay.on()},
        Option{"--rcu-interval", !config.rcu_interval.is_default()},
        Option{"--walk-mode latency", config.walk_mode == WalkMode::latency},
        Option{"--mmu-lock mutex", config.mmu_lock == MmuLockKind::mutex},
        Option{"--events", !config.events.empty()}}) {
    if (option.given) {
      throw InputError(fmt::format(
          "host-kvm: {} is about the lab's own MMU, and the kernel's is measured; leave it out", option.name));
    }
  }
}

void require_quota(const CellConfig& config) {
  if (const std::string reason = quota_ignored_reason(); !reason.empty()) {
    throw InputError(
        fmt::format("host-kvm: workload '{}' recycles shadow pages, and here {}; give --zappers 0, or take "
                    "memslot-flip",
                    config.workload, reason));
  }
}

/// What recycles down to the least quota finds something only where there is clearly more.
void require_pages_beyond_quota(const CellConfig& config, const Memory& memory) {
  if (memory.pages == 0) {
    throw InputError(fmt::format(
        "host-kvm: workload '{}' recycles shadow pages, and its guest touches devices only, which need none; give "
        "--zappers 0",
        config.workload));
  }
  const std::uint64_t least = 2 * kLeastQuota * kPagesATable;
  if (config.working_set >= least) return;
  throw InputError(
      fmt::format("host-kvm: workload '{}' recycles shadow pages, and the kernel leaves a guest {} at least; give "
                  "--working-set {} or "
                  "more, or --zappers 0",
                  config.workload, kLeastQuota, least));
}

unsigned long quota_of(const CellConfig& config, const Workload& workload) {
  if (workload.quota_percent == 0) return 0;
  require_quota(config);
  const double quota = shadow_pages_of(config.working_set) * workload.quota_percent / 100;
  if (quota < static_cast<double>(kLeastQuota)) {
    throw InputError(fmt::format(
        "host-kvm: workload '{}' allows {} % of {:.0f} shadow pages, and the kernel leaves a guest {} at least; give a "
        "larger --working-set",
        config.workload, workload.quota_percent, shadow_pages_of(config.working_set), kLeastQuota));
  }
  return static_cast<unsigned long>(quota);
}

std::string parameter(const std::string& modules, const std::string& module, const std::string& name) {
  std::ifstream file(modules + "/" + module + "/parameters/" + name);
  std::string value;
  file >> value;
  return value;
}

bool is_on(const std::string& value) { return value == "Y" || value == "1"; }

bool by_quota(const HostAction& action) { return info(action).by_quota; }

}  // namespace

HostPlan plan_for(const PreparedCell& cell) {
  const CellConfig& config = cell.config;
  const Workload& workload = cell.workload;
  if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) {
    throw InputError(fmt::format("host-kvm: {}", reason));
  }
  if (config.guest != GuestKind::kvm) {
    throw InputError("host-kvm: the kernel's MMU serves KVM guests only; give --guest kvm");
  }
  refuse_what_is_the_labs(config);
  if (workload.stall.time.count() != 0) {
    throw InputError(fmt::format(
        "host-kvm: workload '{}' stops a vCPU inside a walk, which only the lab's own walkers do", config.workload));
  }
  if (config.zappers > 1) {
    throw InputError("host-kvm: at most one zapper: the kernel carries out such calls one at a time; give --zappers 1");
  }

  HostPlan plan;
  if (config.zappers != 0) plan.actions = workload.host;
  for (const HostAction& action : plan.actions) {
    if (info(action).not_on_host_kvm.empty()) continue;
    throw InputError(fmt::format("host-kvm: {}: {}", info(action).name, info(action).not_on_host_kvm));
  }
  plan.touch.guest = cell.guest;
  const Memory memory = memory_of(plan.touch.guest.params);
  plan.touch.pages = std::max<std::uint64_t>(memory.pages, 1);
  plan.touch.populate = !memory.grows;
  check_fits(plan.touch);
  if (std::ranges::any_of(plan.actions, by_quota)) {
    require_quota(config);
    require_pages_beyond_quota(config, memory);
  }
  plan.quota = quota_of(config, workload);
  plan.touch.coverage = coverage_of(plan);
  plan.touch.log_dirty_pages =
      std::ranges::any_of(plan.actions, [](const HostAction& action) { return action.kind == Kind::write_protect; });
  plan.touch.clocked = config.instrumentation == Instrumentation::full;
  return plan;
}

bool recycles_alone(const HostPlan& plan) { return std::ranges::all_of(plan.actions, by_quota); }

Coverage coverage_of(const HostPlan& plan) {
  const auto is = [](Kind kind) { return [kind](const HostAction& action) { return action.kind == kind; }; };
  if (plan.quota != 0 || std::ranges::any_of(plan.actions, by_quota)) return Coverage::unknown;
  if (std::ranges::any_of(plan.actions, is(Kind::write_protect))) {
    return std::ranges::all_of(plan.actions, is(Kind::write_protect)) ? Coverage::writes : Coverage::unknown;
  }
  return std::ranges::any_of(plan.actions, is(Kind::invalidate)) ? Coverage::ranges : Coverage::whole;
}

std::string describe(const HostPlan& plan) {
  std::string text;
  if (plan.quota != 0) text = fmt::format("KVM_SET_NR_MMU_PAGES {} at the start", plan.quota);
  for (const HostAction& action : plan.actions) {
    const std::string words(info(action).host_kvm_calls);
    if (text.find(words) == std::string::npos) text += (text.empty() ? "" : "; ") + words;
  }
  return text.empty() ? "none" : text;
}

std::map<std::string, std::string> kvm_modules(const std::string& modules) {
  constexpr const char* kTelling[][2] = {{"kvm", "tdp_mmu"},       {"kvm", "mmio_caching"}, {"kvm", "eager_page_split"},
                                         {"kvm", "nx_huge_pages"}, {"kvm_intel", "ept"},    {"kvm_amd", "npt"}};
  std::map<std::string, std::string> found;
  for (const auto& [module, name] : kTelling) {
    const std::string value = parameter(modules, module, name);
    if (!value.empty()) found[std::string(module) + "." + name] = value;
  }
  return found;
}

// The quota counts the shadow MMU's pages: where the TDP MMU maps the guest there are none.
std::string quota_ignored_reason(const std::string& modules) {
  const bool has_tdp = is_on(parameter(modules, "kvm_intel", "ept")) || is_on(parameter(modules, "kvm_amd", "npt"));
  if (!has_tdp || !is_on(parameter(modules, "kvm", "tdp_mmu"))) return {};
  return "the TDP MMU maps guests (kvm.tdp_mmu=Y), which KVM_SET_NR_MMU_PAGES has no power over";
}

}  // namespace shadowwalk::host_kvm
