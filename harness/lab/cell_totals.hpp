#pragma once

#include <memory>
#include <span>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_threads.hpp"
#include "harness/lab/event_counts.hpp"
#include "harness/measure/pmu/event_list.hpp"
#include "harness/replay/trace_guest.hpp"

/// What the threads of a cell measured, all together. After they have ended.
namespace shadowwalk {

void add_up(CellMeasurement& cell, std::span<const std::unique_ptr<VcpuThread>> vcpus,
            std::span<const std::unique_ptr<ZapperThread>> zappers);

/// `reclaimer`: null where there is no such thread.
EventCounts count_events(const pmu::EncodedSelection& selection, std::span<const std::unique_ptr<VcpuThread>> vcpus,
                         std::span<const std::unique_ptr<ZapperThread>> zappers, const ThreadEvents* reclaimer);

ReplayMeasurement measure_replay(replay::TraceGuest& trace, std::span<const std::unique_ptr<ZapperThread>> zappers,
                                 unsigned vcpus);

}  // namespace shadowwalk
