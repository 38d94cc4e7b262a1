#include "harness/lab/cell_replay.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "harness/guest/guest_abi.hpp"
#include "harness/lab/workload_events.hpp"
#include "harness/lab/registry.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"
#include "harness/replay/trace_name.hpp"
#include "harness/trace/trace_reader.hpp"

namespace shadowwalk {
namespace {

std::filesystem::path file_of(const CellConfig& config) { return replay::trace_file(config.workload).value(); }

void refuse_what_does_not_go(const CellConfig& config, const VariantEntry& variant) {
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
  if (config.locality || config.write_percent) {
    throw InputError("--locality, --writes: a trace's accesses are what they were; leave them out");
  }
}

}  // namespace

bool replays(const CellConfig& config) { return replay::trace_file(config.workload).has_value(); }

unsigned zappers_of(const trace::TraceInfo& info) { return info.host_events != 0 ? 1 : 0; }

void check_replay(const CellConfig& config, const VariantEntry& variant) {
  refuse_what_does_not_go(config, variant);
  Placement::parse(config.placement);
  const trace::TraceReader reader(file_of(config));
  const trace::TraceInfo& info = reader.info();
  if (info.last_gfn == 0) {
    throw InputError(fmt::format("{}: holds no access that the engine could replay", reader.name()));
  }
  if (info.last_gfn > guest_abi::kWindowPages) {
    throw InputError(fmt::format("{}: its accesses go up to gfn {:#x}, beyond the lab's 2^36 pages", reader.name(),
                                 info.last_gfn - 1));
  }
  if (info.duration_ns == 0 && !config.pace.value_or(replay::Pace{}).closed_loop) {
    throw InputError(fmt::format("{}: all of its events are at one time: give --closed-loop", reader.name()));
  }
  if (const unsigned zappers = zappers_of(info); config.zappers != zappers) {
    throw InputError(
        fmt::format("--zappers {}: {} of the trace's events are of threads that run no vCPU, and go to {}; "
                    "give --zappers {} or leave it out",
                    config.zappers, info.host_events, zappers == 0 ? "none" : "one zapper", zappers));
  }
}

Workload trace_workload(const CellConfig& config) {
  Workload workload;
  workload.name = "trace:" + file_of(config).stem().string();
  return workload;
}

replay::TraceGuest::Config trace_guest_config(const CellConfig& config, bool cpus_are_short) {
  return {.file = file_of(config),
          .vcpus = config.vcpus,
          .host_lane = config.zappers != 0,
          .burst = config.walks_per_exit,
          .pace = config.pace.value_or(replay::Pace{}),
          .clocked = config.instrumentation != Instrumentation::none,
          .cpus_are_short = cpus_are_short};
}

void require_accesses(const CellConfig& config, std::uint64_t walks) {
  if (walks != 0) return;
  throw ExpectedEventMissing(fmt::format(
      "{}: no access of the trace fell into the window: give it a longer --duration, a higher --speed or --closed-loop",
      config.workload));
}

}  // namespace shadowwalk
