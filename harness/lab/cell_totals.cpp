#include "harness/lab/cell_totals.hpp"

#include <vector>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk {
namespace {

void add_zaps(CellMeasurement& cell, const ZapRecord& zaps) {
  cell.zaps += zaps.zaps;
  cell.zaps_empty += zaps.zaps_empty;
  cell.zaps_total += zaps.zaps_total;
  cell.zaps_unfinished += zaps.zaps_unfinished;
  cell.zap_ns.merge(zaps.zap_ns);
  cell.zap_service_ns.merge(zaps.zap_service_ns);
}

}  // namespace

void add_up(CellMeasurement& cell, std::span<const std::unique_ptr<VcpuThread>> vcpus,
            std::span<const std::unique_ptr<ZapperThread>> zappers) {
  for (const auto& vcpu : vcpus) {
    cell.walks += vcpu->record.walks;
    cell.walk_ns_total += CycleClock::to_ns(vcpu->record.walk_ticks);
    cell.walk_ns.merge(vcpu->record.walk_ns);
    cell.section_ns.merge(vcpu->record.section_ns);
    cell.fault_ns.merge(vcpu->record.fault_ns);
    cell.counts += vcpu->counts;
    if (cell.first_violation.empty()) cell.first_violation = vcpu->first_violation;
    cell.exits += vcpu->exits;
    cell.exit_ns.merge(vcpu->exit_ns);
    add_zaps(cell, vcpu->zaps);
    add_walker(cell.noise, vcpu->disturbance);
  }
  for (const auto& zapper : zappers) {
    add_zaps(cell, zapper->zaps);
    cell.noise.zapper_switches += zapper->disturbance.involuntary_switches();
  }
}

EventCounts count_events(const pmu::EncodedSelection& selection, std::span<const std::unique_ptr<VcpuThread>> vcpus,
                         std::span<const std::unique_ptr<ZapperThread>> zappers, const ThreadEvents* reclaimer) {
  EventCounts counts;
  for (const pmu::Refusal& refusal : selection.refused) counts.refuse(refusal.event, refusal.reason);
  std::vector<ThreadPart> walking;
  for (const auto& vcpu : vcpus) walking.push_back({&vcpu->events, vcpu->record.walks});
  std::vector<ThreadPart> zapping;
  for (const auto& zapper : zappers) zapping.push_back({&zapper->events, zapper->zaps.zaps});
  add_role(counts, kWalkers, walking);
  add_role(counts, kZappers, zapping);
  if (reclaimer != nullptr) add_role(counts, kReclaimers, {{reclaimer, 0}});
  return counts;
}

ReplayMeasurement measure_replay(replay::TraceGuest& trace, std::span<const std::unique_ptr<ZapperThread>> zappers,
                                 unsigned vcpus) {
  const replay::Feeder& feeder = trace.feeder();
  ReplayMeasurement replay{.info = feeder.reader().info(),
                           .source = feeder.reader().source(),
                           .pace = trace.clock().pace(),
                           .counts = {},
                           .skipped = feeder.skipped(),
                           .covered_zaps = feeder.covered_zaps(),
                           .passes = feeder.passes()};
  for (unsigned i = 0; i < vcpus; ++i) replay.counts += trace.vcpu(i).counts();
  for (const auto& zapper : zappers) replay.counts += zapper->replayed;
  return replay;
}

}  // namespace shadowwalk
