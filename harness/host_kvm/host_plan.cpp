#include "harness/host_kvm/host_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "harness/host_kvm/kvm_modules.hpp"
#include "harness/lab/cell_guest.hpp"
#include "harness/machine/error.hpp"
#include "harness/measure/memory.hpp"
#include "workloads/workload.hpp"

namespace shadowwalk::host_kvm {
namespace {

constexpr std::uint64_t kPagesATable = 512;
constexpr unsigned long kLargeQuota = 1ul << 24;

KernelAction kernel_action(const Workload& workload, const HostAction& action) {
  switch (action.kind) {
    case HostAction::Kind::zap_everything:
      return KernelAction::flip_memory_slot;
    case HostAction::Kind::zap_oldest:
      return KernelAction::squeeze_quota;
    case HostAction::Kind::write_protect:
      return KernelAction::collect_dirty_log;
    case HostAction::Kind::invalidate:
      return KernelAction::discard_range;
    case HostAction::Kind::shrink:
      break;
  }
  throw InputError(
      fmt::format("host-kvm: workload '{}' shrinks, and the kernel has no ioctl that shrinks one guest; choose another",
                  workload.name));
}

/// The one thing that the kernel is asked to do at each beat.
void plan_beats(const Workload& workload, HostPlan& plan) {
  if (workload.host.empty()) return;
  plan.action = kernel_action(workload, workload.host.front());
  for (const HostAction& action : workload.host) {
    if (kernel_action(workload, action) == plan.action) continue;
    throw InputError(
        fmt::format("host-kvm: workload '{}' mixes what the host does; host-kvm carries out one kind: choose "
                    "another workload",
                    workload.name));
  }
  if (plan.action == KernelAction::discard_range) plan.range_pages = workload.host.front().pages;
}

/// Workloads that are about what only the lab's own MMU does.
void refuse_workloads_of_the_lab(const Workload& workload) {
  const auto refuse = [&](const char* what) {
    throw InputError(fmt::format("host-kvm: workload '{}' {}, which only the lab's own MMU does; choose another",
                                 workload.name, what));
  };
  if (workload.quota_percent != 0) refuse("has a page quota on the fault path");
  if (workload.stall.time.count() != 0) refuse("stalls a vCPU inside a walk");
  if (workload.vcpus_per_cpu != 1) refuse("puts several vCPUs on a CPU");
}

Coverage coverage_of(KernelAction action) {
  switch (action) {
    case KernelAction::flip_memory_slot:
      return Coverage::whole;
    case KernelAction::collect_dirty_log:
      return Coverage::writes;
    case KernelAction::squeeze_quota:
      return Coverage::unknown;
    case KernelAction::discard_range:
      return Coverage::ranges;
  }
  return Coverage::unknown;
}

struct Memory {
  std::uint64_t pages = 1;
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
        Option{"--rcu-interval", config.rcu_interval.count() != 0},
        Option{"--mmu-lock mutex", config.mmu_lock == MmuLockKind::mutex},
        Option{"--events", !config.events.empty()}}) {
    if (option.given) {
      throw InputError(fmt::format(
          "host-kvm: {} is about the lab's own MMU, and the kernel's is measured; leave it out", option.name));
    }
  }
}

void check_quota(const CellConfig& config) {
  if (const std::string reason = quota_ignored_reason(); !reason.empty()) {
    throw InputError(
        fmt::format("host-kvm: workload '{}' recycles shadow pages, and here {}; give --zappers 0, or take "
                    "memslot-flip",
                    config.workload, reason));
  }
  const std::uint64_t least = 2 * kLeastQuota * kPagesATable;
  if (config.working_set < least) {
    throw InputError(
        fmt::format("host-kvm: workload '{}' recycles shadow pages, and the kernel leaves a guest {} at least; give "
                    "--working-set {} "
                    "or more, or --zappers 0",
                    config.workload, kLeastQuota, least));
  }
}

}  // namespace

HostPlan plan_for(const CellConfig& config) {
  const Workload workload = load_workload(config.workload);
  if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) {
    throw InputError(fmt::format("host-kvm: {}", reason));
  }
  if (config.guest != GuestKind::kvm) {
    throw InputError("host-kvm: the kernel's MMU serves KVM guests only; give --guest kvm");
  }
  refuse_what_is_the_labs(config);
  if (config.zappers > 1) {
    throw InputError("host-kvm: at most one zapper: the kernel carries out such calls one at a time; give --zappers 1");
  }

  HostPlan plan;
  refuse_workloads_of_the_lab(workload);
  plan_beats(workload, plan);
  if (config.zappers != 0 && plan.action == KernelAction::squeeze_quota) check_quota(config);
  plan.touch.guest = guest_config(config, workload);
  plan.touch.guest.program = {};  // it has one of its own
  const Memory memory = memory_of(plan.touch.guest.params);
  plan.touch.pages = memory.pages;
  plan.touch.populate = !memory.grows;
  plan.touch.coverage = coverage_of(plan.action);
  plan.touch.log_dirty_pages = plan.action == KernelAction::collect_dirty_log;
  plan.touch.clocked = config.instrumentation == Instrumentation::full;
  check_fits(plan.touch);
  return plan;
}

// From the front to the back and again; the last range may be shorter.
PageRange range_of(const HostPlan& plan, std::uint64_t number) {
  const std::uint64_t pages = plan.touch.pages;
  const std::uint64_t ranges = (pages + plan.range_pages - 1) / plan.range_pages;
  const std::uint64_t first = number % ranges * plan.range_pages;
  return {.first = first, .count = std::min(plan.range_pages, pages - first)};
}

std::uint64_t run_beat(TouchVm& vm, const HostPlan& plan, std::uint64_t number) {
  switch (plan.action) {
    case KernelAction::flip_memory_slot:
      vm.flip_memory_slot();
      return plan.touch.pages;
    case KernelAction::collect_dirty_log:
      return vm.collect_dirty_log();
    case KernelAction::squeeze_quota:
      vm.set_page_quota(kLeastQuota);
      vm.set_page_quota(kLargeQuota);
      return plan.touch.pages;
    case KernelAction::discard_range: {
      const PageRange range = range_of(plan, number);
      vm.discard(range.first, range.count);
      return range.count;
    }
  }
  return 0;
}

const char* describe(KernelAction action) {
  switch (action) {
    case KernelAction::flip_memory_slot:
      return "KVM_SET_USER_MEMORY_REGION twice: the working set's memory slot is deleted and added again";
    case KernelAction::collect_dirty_log:
      return "KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG of the working set's memory slot";
    case KernelAction::squeeze_quota:
      return "KVM_SET_NR_MMU_PAGES twice: the least quota, and a large one again";
    case KernelAction::discard_range:
      return "madvise(MADV_DONTNEED) of the next range of the working set";
  }
  return "";
}

}  // namespace shadowwalk::host_kvm
