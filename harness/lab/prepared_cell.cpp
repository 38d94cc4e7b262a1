#include "harness/lab/prepared_cell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/guest/guest_abi.hpp"
#include "harness/lab/page_budget.hpp"
#include "harness/lab/thread_events.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/kernel_grace_period.hpp"
#include "harness/replay/trace_guest.hpp"
#include "harness/trace/trace_reader.hpp"
#include "workloads/guest/guest_program.hpp"

namespace shadowwalk {
namespace {

constexpr const char* kDelayOfNegativeControls = "1/1000:50";

/// Sets an option that was not given, as if it had been: the command that runs the cell again holds it.
template <class T>
void decide(CellRequest& request, std::string_view key, T CellConfig::*member, T value) {
  if (!request.given.insert(find_cell_option(key)->key).second) return;
  request.config.*member = value;
}

/// A negative control is there to be caught, and stalls catch it at any rate: on by default for it, and said.
void decide_read_delay(CellRequest& request, PreparedCell& cell) {
  if (cell.variant->info.safe || request.has("read-delay")) return;
  give(request, *find_cell_option("read-delay"), kDelayOfNegativeControls);
  cell.notices.push_back(fmt::format("{} is a negative control: --read-delay {} is on (--read-delay off turns it off)",
                                     cell.variant->info.name, kDelayOfNegativeControls));
}

/// How the workload's stalls are timed: the clock is read once in so many walks.
ReadDelay first_vcpu_delay(const WalkerStall& stall) {
  if (stall.time.count() == 0) return {};
  constexpr std::uint64_t kWalksBetweenReadings = 256;
  return {.one_in = kWalksBetweenReadings,
          .stall_us = static_cast<std::uint64_t>(stall.time.count()),
          .every_us = static_cast<std::uint64_t>(stall.every.count())};
}

void refuse_for_trace(const CellRequest& request, const VariantEntry& variant) {
  const CellConfig& config = request.config;
  if (variant.is_reference()) {
    throw InputError(fmt::format("{}: a trace is replayed on the lab's own engine only", config.variant));
  }
  if (!variant.can_zap) {
    throw InputError(fmt::format("variant '{}' cannot zap, and what a trace is for is its zaps", config.variant));
  }
  if (config.guest != GuestKind::trace) {
    throw InputError(fmt::format("--guest {}: with --workload trace:FILE the trace is the guest; leave --guest out",
                                 to_string(config.guest)));
  }
  for (const char* key : {"zap-rate", "working-set", "seed", "locality", "writes"}) {
    if (!request.has(key)) continue;
    throw InputError(
        fmt::format("--{} has no meaning with --workload trace:FILE: the trace decides it; leave it out", key));
  }
}

void refuse_trace(const trace::TraceReader& reader, const replay::Pace& pace) {
  const trace::TraceInfo& info = reader.info();
  if (info.last_gfn == 0) {
    throw InputError(fmt::format("{}: holds no access that the engine could replay", reader.name()));
  }
  if (info.last_gfn > guest_abi::kWindowPages) {
    throw InputError(fmt::format("{}: its accesses go up to gfn {:#x}, beyond the lab's 2^36 pages", reader.name(),
                                 info.last_gfn - 1));
  }
  if (info.duration_ns == 0 && !pace.closed_loop) {
    throw InputError(fmt::format("{}: all of its events are at one time: give --closed-loop", reader.name()));
  }
}

/// The trace is workload, guest and zap rate in one.
void prepare_replay(CellRequest& request, PreparedCell& cell) {
  refuse_for_trace(request, *cell.variant);
  CellConfig& config = request.config;
  const std::filesystem::path file(replay::trace_file(config.workload).value());
  config.pace = config.pace.value_or(replay::Pace{});
  const trace::TraceReader reader(file);
  const trace::TraceInfo& info = reader.info();
  refuse_trace(reader, *config.pace);
  const unsigned zappers = info.host_events != 0 ? 1 : 0;  // for what host threads did, if they did anything
  decide(request, "zappers", &CellConfig::zappers, zappers);
  if (config.zappers != zappers) {
    throw InputError(
        fmt::format("--zappers {}: {} of the trace's events are of threads that run no vCPU, and go to {}; "
                    "give --zappers {} or leave it out",
                    config.zappers, info.host_events, zappers == 0 ? "none" : "one zapper", zappers));
  }
  cell.workload.name = "trace:" + file.stem().string();
  cell.trace = info;
  config.working_set = info.last_gfn;
  cell.budget = page_budget(info);
}

void require_variant(const VariantEntry& variant) {
  if (const std::string reason = why_unavailable(variant.info); !reason.empty()) {
    throw InputError(
        fmt::format("variant '{}' cannot run here: {}; `shadowwalk list variants` says which can, "
                    "`shadowwalk doctor` what to do",
                    variant.info.name, reason));
  }
  if (variant.make_engine == nullptr && !variant.is_reference()) {
    throw InputError(
        fmt::format("variant '{}' cannot be measured: its plug-in has no engine for it", variant.info.name));
  }
}

void require_zaps(const VariantEntry& variant, const CellConfig& config) {
  if (!variant.can_zap && config.zappers != 0) {
    throw InputError(fmt::format("variant '{}' cannot zap: give --zappers 0", config.variant));
  }
}

void prepare_workload(CellRequest& request, PreparedCell& cell) {
  CellConfig& config = request.config;
  if (config.pace) {
    throw InputError(fmt::format("--speed, --closed-loop: workload '{}' is no trace, which alone has a pace of its own",
                                 config.workload));
  }
  if (config.guest == GuestKind::trace) {
    throw InputError(fmt::format("--guest trace: workload '{}' is no trace", config.workload));
  }
  const Workload& workload = cell.workload = load_workload(config.workload);
  follow_workload(request, workload);
  require_zaps(*cell.variant, config);
  if (workload.host.empty() && config.zappers != 0) {
    throw InputError(fmt::format("workload '{}' has nothing for zappers to do: give --zappers 0", workload.name));
  }
  check_required_names(workload);
  cell.guest = guest_config(config, workload);  // throws if a knob does not suit the workload
  config.first_vcpu_delay = first_vcpu_delay(workload.stall);
}

PrepareKernelCell prepare_kernel_cell = nullptr;

bool is_in_kernel(const CellConfig& config) { return config.machine != MachineKind::user; }

/// What --rcu-interval host waits for.
void require_kernel_grace_periods(const CellConfig& config) {
  if (!config.rcu_interval.of_kernel) return;
  if (const std::string reason = why_no_kernel_grace_period(); !reason.empty()) {
    throw InputError(fmt::format("--rcu-interval host: {}; give a time such as 4ms", reason));
  }
  wait_for_kernel_grace_period();  // once on this thread, which can report that a filter of system calls denies it
}

/// Walks that stall or check the identity of tables are not timed, and are compiled for throughput alone.
void refuse_for_latency(const CellConfig& config) {
  if (config.walk_mode != WalkMode::latency) return;
  if (config.full_checks || config.read_delay.on() || config.first_vcpu_delay.on()) {
    throw InputError(
        "--walk-mode latency: walks with --checks full, --read-delay or stalls of the workload's own are not timed; "
        "leave one of the two out");
  }
}

void require_kvm() {
  if (const std::string reason = kvm_unavailable_reason(); !reason.empty()) {
    throw InputError(fmt::format("--guest kvm: {}; --guest thread runs here", reason));
  }
}

void require_pinning(const PreparedCell& cell, const CellConfig& config) {
  if (!cell.placement.cpu_of(0)) return;
  if (const std::string reason = why_no_pinning(); !reason.empty()) {
    throw InputError(
        fmt::format("--placement {}: this process may not pin its threads ({}); give --placement none, "
                    "or permit the system call",
                    config.placement, reason));
  }
}

}  // namespace

void set_kernel_machine(PrepareKernelCell prepare) { prepare_kernel_cell = prepare; }

std::string_view why_not_in_kernel(const VariantEntry& variant) {
  if (variant.is_reference()) return "it is a reference of user space, and no scheme";
  if (variant.plugin) return "a plug-in cannot be loaded into the kernel";
  if (!variant.can_zap) return "it is a plain walk in user space, without an engine";
  return {};
}

void check_kernel_cell(const CellRequest& request) {
  const CellConfig& config = request.config;
  const VariantEntry& variant = Registry::instance().at(config.variant);
  const auto refuse = [&](std::string_view option, std::string_view why) {
    throw InputError(fmt::format("--machine {}: {}: {}", to_string(config.machine), option, why));
  };
  if (const std::string_view why = why_not_in_kernel(variant); !why.empty()) refuse(config.variant, why);
  if (replay::trace_file(config.workload)) refuse("trace:FILE", "traces are replayed in user space only");
  if (config.guest != GuestKind::automatic && config.guest != GuestKind::thread) {
    refuse(fmt::format("--guest {}", to_string(config.guest)),
           "vCPUs are kernel threads that run the guest's program; give --guest thread or leave it out");
  }
  if (!config.rcu_interval.is_default()) {
    refuse("--rcu-interval", "the kernel's own RCU begins grace periods when it wants; leave it out");
  }
  if (config.placement == "none") refuse("--placement none", "kernel threads are bound to a CPU each; leave it out");
}

void follow_workload(CellRequest& request, const Workload& workload) {
  if (workload.host.empty()) decide(request, "zappers", &CellConfig::zappers, 0u);
  decide(request, "working-set", &CellConfig::working_set, workload.working_set);
}

std::string decide_guest(CellRequest& request, const VariantEntry& variant) {
  CellConfig& config = request.config;
  request.given.insert("guest");
  if (config.guest != GuestKind::automatic) return {};
  config.guest = GuestKind::kvm;
  if (is_in_kernel(config)) {
    config.guest = GuestKind::thread;
  } else if (replay::trace_file(config.workload)) {
    config.guest = GuestKind::trace;
  } else if (const std::string reason = kvm_unavailable_reason(); !reason.empty() && !variant.is_reference()) {
    config.guest = GuestKind::thread;
    return fmt::format("--guest auto: thread guests, since {}", reason);
  }
  return {};
}

void check_variant(const VariantEntry& variant, const CellConfig& config) {
  if (!is_in_kernel(config)) require_variant(variant);
  require_zaps(variant, config);
}

PreparedCell prepare_cell(CellRequest request) {
  PreparedCell cell;
  cell.variant = &Registry::instance().at(request.config.variant);
  if (!request.config.kernel.empty() && request.config.machine != MachineKind::kernel_vm) {
    throw InputError("--kernel: it names what --machine kernel-vm boots; leave it out, or give --machine kernel-vm");
  }
  if (is_in_kernel(request.config)) {
    check_kernel_cell(request);
  } else {
    require_variant(*cell.variant);
    if (request.config.mmu_lock == MmuLockKind::rwlock) {
      throw InputError("--mmu-lock rwlock: it is the kernel's own lock; give --machine kernel, or ticket or mutex");
    }
  }
  if (std::string notice = decide_guest(request, *cell.variant); !notice.empty()) {
    cell.notices.push_back(std::move(notice));
  }
  if (request.config.think_ns != 0 && request.config.guest != GuestKind::thread) {
    const bool could_be_threads = request.config.guest == GuestKind::kvm && !cell.variant->is_reference();
    throw InputError(
        fmt::format("--think-ns: only thread guests spin between bursts, and this cell's guest is {}; {}leave "
                    "--think-ns out",
                    to_string(request.config.guest), could_be_threads ? "give --guest thread, or " : ""));
  }
  decide_read_delay(request, cell);
  const bool replays = replay::trace_file(request.config.workload).has_value();
  if (replays) {
    prepare_replay(request, cell);
  } else {
    prepare_workload(request, cell);
  }
  require_kernel_grace_periods(request.config);
  refuse_for_latency(request.config);
  cell.placement = Placement::parse(request.config.placement);
  if (!is_in_kernel(request.config)) require_pinning(cell, request.config);
  cell.options = command_line(request);
  cell.config = std::move(request.config);
  if (cell.config.name.empty()) cell.config.name = cell_name(cell.config);
  if (cell.variant->is_reference()) {
    cell.reference = cell.variant->prepare_reference(cell);
    return cell;
  }
  if (cell.config.guest == GuestKind::kvm) require_kvm();
  if (!replays) cell.budget = page_budget(cell.config, cell.workload);
  if (is_in_kernel(cell.config)) {
    cell.events = encode_events(cell.config.events, pmu::CountedCode::kernel);
    if (prepare_kernel_cell == nullptr) throw InputError("--machine kernel: this program has no such machine");
    cell.reference = prepare_kernel_cell(cell);
    return cell;
  }
  cell.events = encode_events(cell.config.events);
  return cell;
}

PreparedCell prepare_cell(const CellConfig& config) {
  CellRequest request;
  request.config = config;
  // A trace decides these; whether they were given is not known here.
  const bool replays = replay::trace_file(config.workload).has_value();
  for (const CellOption& option : cell_options()) {
    const bool of_the_trace = option.key == "zap-rate" || option.key == "working-set" || option.key == "seed";
    if (!(replays && of_the_trace)) request.given.insert(option.key);
  }
  if (!config.locality) request.given.erase("locality");
  if (!config.write_percent) request.given.erase("writes");
  return prepare_cell(std::move(request));
}

GuestConfig guest_config(const CellConfig& config, const Workload& workload) {
  GuestConfig guest;
  guest.kind = config.guest;
  guest.vcpus = config.vcpus;
  guest.burst = config.walks_per_exit;
  guest.params = guest_params(workload, {.working_set = config.working_set,
                                         .seed = config.seed,
                                         .locality = config.locality,
                                         .write_percent = config.write_percent});
  if (workload.active_vcpus != 0) {
    guest.active_vcpus = workload.active_vcpus;
    guest.idle_us = static_cast<std::uint64_t>(workload.idle.count());
  }
  guest.program = guest_program();
  return guest;
}

}  // namespace shadowwalk
