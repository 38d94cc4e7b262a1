#include "harness/lab/cell_threads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <exception>
#include <memory>

#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/backoff.hpp"
#include "harness/machine/placement.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk {
namespace {

void fire_zap_probe(std::int64_t zapper, const Zapped& zapped, std::uint64_t ticks) {
  if (zapped.empty()) {
    SHADOWWALK_PROBE(zap__empty, zapper, CycleClock::to_whole_ns(ticks));
  } else {
    SHADOWWALK_PROBE(zap__done, zapper, zapped.pages, zapped.leaves, CycleClock::to_whole_ns(ticks));
  }
}

}  // namespace

VcpuThread::VcpuThread(CellShared& shared, const EngineCell& cell, unsigned index, GuestVcpu& guest,
                       replay::ReplayVcpu* replay)
    : VcpuLoop(shared.window, cell.small_bursts ? 1 : shared.config.walks_per_exit, shared.config.instrumentation,
               shared.config.walk_mode, *cell.machine.vcpus()[index],
               CycleClock::from_ns(static_cast<double>(shared.config.think_ns))),
      events(shared.prepared.events, shared.window, shared.config.instrumentation != Instrumentation::none),
      disturbance(shared.window, !cell.walkers_sleep && shared.config.mmu_lock != MmuLockKind::mutex),
      shared_(shared),
      engine_(cell.engine),
      index_(index),
      guest_(guest),
      replay_(replay),
      live_(shared.counters.vcpu(index)) {}

void VcpuThread::run(std::optional<unsigned> cpu) {
  const std::string name = fmt::format("vcpu-{}", index_);
  vcpu_.bind(name);
  try {
    if (cpu) pin_this_thread(*cpu);
    timeline::join(shared_.config.timeline, name);
    events.open();
    if (replay_ != nullptr) sleep_precisely();
    const std::unique_ptr<EngineVcpu> engine = engine_.attach_vcpu(index_);
    shared_.attached.count_down();
    engine->offline();
    shared_.go.wait();
    engine->online();
    try {
      loop(*engine);
    } catch (const std::exception& error) {
      vcpu_.leave_guest_mode();
      shared_.failure.report(error.what());
      // Others may still wait for this vCPU's sections and mode, both of which are over; its root goes with `engine`.
    }
    publish(*engine);
    counts = engine->counts();
    first_violation = engine->first_violation();
  } catch (const std::exception& error) {
    shared_.failure.report(error.what());
    shared_.attached.count_down();
  }
  leave_cell(shared_, vcpu_);
}

std::span<const Access> VcpuThread::enter_guest() {
  SHADOWWALK_PROBE(vcpu__entry, index_);
  const std::span<const Access> accesses = guest_.enter();
  SHADOWWALK_PROBE(vcpu__exit, index_, accesses.size());
  return accesses;
}

void VcpuThread::walk(EngineVcpu& engine, std::span<const Access> accesses) {
  const std::uint64_t walks_before = record.walks;
  events.begin_work();
  engine.walk(accesses, record);
  events.end_work(record.walks - walks_before);
}

void VcpuThread::end_burst(EngineVcpu& engine, std::size_t accesses) {
  if (replay_ != nullptr) replay_zap(engine);
  count_exit(accesses);
  if (record.burst_end >= next_publication_) publish(engine);
}

void VcpuThread::observe(std::uint64_t now) {
  disturbance.observe(now);
  events.observe(now);
}

/// What the vCPU's own thread did in the kernel, between its accesses: recycling for the quota, synchronising, dropping
/// roots.
void VcpuThread::replay_zap(EngineVcpu& engine) {
  const replay::FedEvent* const zap = replay_->due_zap();
  if (zap == nullptr) return;
  const std::uint64_t began = CycleClock::now();
  const std::uint64_t due = replay_->due(*zap);
  const std::uint64_t intended = due == 0 ? began : due;
  SHADOWWALK_PROBE(zap__start, probes::kVcpuItself, CycleClock::to_whole_ns(began - intended));
  engine.offline();
  const Zapped zapped = engine_.act(replay_action(zap->event));
  const std::uint64_t end = ZapRecord::end_of(zapped);
  engine.online();
  record.burst_end = CycleClock::now();  // where the next exit's cycle begins
  fire_zap_probe(probes::kVcpuItself, zapped, end - began);
  zaps.record(zapped, intended, began, end, shared_.window, shared_.clocked());
  replay_->zap_done(began);
}

void VcpuThread::halt(EngineVcpu& engine, std::uint64_t idle_us) {
  SHADOWWALK_PROBE(vcpu__halt, index_, idle_us * 1000);
  ++exits_by_reason_[static_cast<std::size_t>(ExitReason::halt)];
  engine.offline();
  sleep_halted(vcpu_, idle_us, disturbance);
  engine.online();
}

void VcpuThread::count_exit(std::size_t accesses) {
  const ExitReason reason = accesses == 0   ? ExitReason::interrupted
                            : accesses == 1 ? ExitReason::mmio
                                            : ExitReason::doorbell;
  ++exits_by_reason_[static_cast<std::size_t>(reason)];
}

/// Lets others see what this vCPU has counted. Not at each exit, so that exits do not wait for a line that a reader
/// took.
void VcpuThread::publish(const EngineVcpu& engine) {
  constexpr double kIntervalNs = 5e6;
  next_publication_ = record.burst_end + CycleClock::from_ns(kIntervalNs);
  const WalkCounts so_far = engine.counts();
  const auto report = [](LiveCounters::Counter& counter, std::uint64_t count) {
    counter.store(count, std::memory_order_relaxed);
  };
  report(live_.walks, record.walks_total);
  report(live_.faults, record.faults_total);
  report(live_.restarts, so_far.restarts);
  report(live_.violations, so_far.violations);
  for (std::size_t i = 0; i < kExitReasons; ++i) report(live_.exits[i], exits_by_reason_[i]);
  report(live_.zaps, zaps.zaps_total);
  report(live_.zaps_empty, zaps.zaps_empty_total);
}

ZapperThread::ZapperThread(CellShared& shared, unsigned index, std::span<const HostAction> actions,
                           HostActionTarget& target)
    : events(shared.prepared.events, shared.window, shared.config.instrumentation != Instrumentation::none),
      disturbance(shared.window, false),
      shared_(shared),
      index_(index),
      live_(shared.counters.zapper(index)),
      ticks_per_beat_(static_cast<double>(CycleClock::from_ns(1e9)) / shared.config.zap_rate),
      target_(target),
      schedule_(actions) {}

ZapperThread::ZapperThread(CellShared& shared, replay::TraceGuest& trace, Engine& engine)
    : events(shared.prepared.events, shared.window, shared.config.instrumentation != Instrumentation::none),
      disturbance(shared.window, false),
      shared_(shared),
      index_(0),
      live_(shared.counters.zapper(0)),
      ticks_per_beat_(0),
      target_(engine),
      trace_(&trace),
      engine_(&engine) {}

void ZapperThread::run(std::optional<unsigned> cpu) {
  Cpu self;
  const std::string name = fmt::format("zapper-{}", index_);
  self.bind(name);
  try {
    if (cpu) pin_this_thread(*cpu);
    timeline::join(shared_.config.timeline, name);
    events.open();
    sleep_precisely();
    shared_.attached.count_down();
    shared_.go.wait();
    try {
      if (trace_ != nullptr) {
        replay_loop();
      } else {
        loop(index_, shared_.config.zappers, shared_.window);
      }
      disturbance.observe(CycleClock::now());
      events.observe(CycleClock::now());
    } catch (const std::exception& error) {
      shared_.failure.report(error.what());
    }
  } catch (const std::exception& error) {
    shared_.failure.report(error.what());
    shared_.attached.count_down();
  }
  self.unbind();
}

std::optional<std::uint64_t> ZapperThread::wait_for_beat(std::uint64_t ticks) const {
  return shadowwalk::wait_for_beat(ticks, shared_.stop_zappers, shared_.yield_while_waiting);
}

void ZapperThread::zap(std::uint64_t intended, std::uint64_t began) {
  const HostAction& action = schedule_->next();
  zap_by([&] { return target_.act(action); }, intended, began);
}

/// What the trace's host threads did, in order, each at its time.
void ZapperThread::replay_loop() {
  replay::Lane& lane = trace_->feeder().host_lane();
  replay::FeedBackoff backoff;
  constexpr std::uint64_t kLongestWaitNs = 20'000'000;  // then look whether the window has begun
  while (!shared_.stop_zappers.load(std::memory_order_relaxed)) {
    const std::uint64_t now = CycleClock::now();
    events.observe(now);
    const std::span<const replay::FedEvent> there = lane.available();
    if (there.empty() || !trace_->clock().started()) {
      const timespec time{0, static_cast<long>(backoff.next_ns())};
      nanosleep(&time, nullptr);
      continue;
    }
    backoff.reset();
    const std::uint64_t due = trace_->clock().due(there.front().event.time_ns);
    const std::uint64_t until = std::min(due, now + CycleClock::from_ns(kLongestWaitNs));
    const auto began = shadowwalk::wait_for_beat(until, shared_.stop_zappers, shared_.yield_while_waiting);
    if (!began) return;
    if (*began < due) continue;
    const ReplayAction action = replay_action(there.front().event);
    zap_by([&] { return engine_->act(action); }, due == 0 ? *began : due, *began);
    replayed.note(*began, due, shared_.window, shared_.clocked());
    lane.done(1);
  }
}

template <class Act>
void ZapperThread::zap_by(Act act, std::uint64_t intended, std::uint64_t began) {
  const std::uint64_t zaps_before = zaps.zaps;
  SHADOWWALK_PROBE(zap__start, index_, CycleClock::to_whole_ns(began - intended));
  events.begin_work();
  const Zapped zapped = act();
  const std::uint64_t end = ZapRecord::end_of(zapped);
  fire_zap_probe(index_, zapped, end - began);
  disturbance.observe(end);
  zaps.record(zapped, intended, began, end, shared_.window, shared_.clocked());
  live_.zaps.store(zaps.zaps_total, std::memory_order_relaxed);
  live_.zaps_empty.store(zaps.zaps_empty_total, std::memory_order_relaxed);
  events.end_work(zaps.zaps - zaps_before);
  target_.acted(end);
}

ReclaimerThread::ReclaimerThread(CellShared& shared, std::optional<unsigned> cpu)
    : cpu_(cpu),
      recorder_(shared.config.timeline),
      events_(shared.prepared.events, shared.window, /*stretches=*/false) {}

void ReclaimerThread::on_thread_start(void* self) {
  auto& reclaimer = *static_cast<ReclaimerThread*>(self);
  if (reclaimer.cpu_) pin_this_thread(*reclaimer.cpu_);
  timeline::join(reclaimer.recorder_, "reclaim-0");
  reclaimer.events_.open();
  reclaimer.started_.store(true, std::memory_order_release);  // with start_events()'s acquire: the events are open
  reclaimer.started_.notify_all();
}

void ReclaimerThread::start_events() {
  started_.wait(false, std::memory_order_acquire);
  events_.start();
}

FeederThread::FeederThread(replay::TraceGuest* trace, CellFailure& failure) : trace_(trace) {
  if (trace == nullptr) return;
  try {
    thread_ = std::thread([trace, &failure] {
      try {
        trace->feeder().run();
      } catch (const std::exception& error) {
        failure.report(error.what());
      }
    });
  } catch (const std::system_error& error) {
    report_no_thread(failure, error);
  }
}

void FeederThread::join() {
  if (!thread_.joinable()) return;
  trace_->feeder().stop();
  thread_.join();
}

}  // namespace shadowwalk
