#include "harness/lab/cell_driver.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <limits>
#include <thread>

#include "harness/lab/cell_observer.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/backoff.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/os/allowed_cpus.hpp"
#include "harness/os/deadline.hpp"
#include "harness/os/program.hpp"
#include "harness/probes/probes.hpp"

namespace shadowwalk {
namespace {

/// Before the window's start: whether to put it off is decided while it is still ahead for all threads.
constexpr std::chrono::milliseconds kDecided{10};
/// From when the observer's tools are ready: every thread has seen the new window before it begins, and has looked at
/// its CPU's speed.
constexpr std::chrono::milliseconds kLead{1};

/// For the threads of a cell to come, and to end: what `run` adds to a cell's time by default.
constexpr std::chrono::seconds kPatience{30};

std::uint64_t ticks(std::chrono::nanoseconds time) { return CycleClock::from_ns(static_cast<double>(time.count())); }

/// Calls config.on_ready if there is one and nothing has failed yet; what it throws is a failure of the cell.
void report_ready(const CellConfig& config, CellFailure& failure) {
  if (!config.on_ready || failure.what()) return;
  try {
    config.on_ready();
  } catch (const std::exception& error) {
    failure.report(error.what());
  }
}

void call(const std::function<void()>& hook) {
  if (hook) hook();
}

}  // namespace

void report_no_thread(CellFailure& failure, const std::system_error& error) {
  failure.report(os::why_not_started(error.code()) + ", or give fewer --vcpus and --zappers");
}

bool CellFailure::wait_until(std::uint64_t ticks) {
  std::unique_lock lock(mutex_);
  while (!what_) {
    const std::uint64_t now = CycleClock::now();
    if (now >= ticks) return false;
    changed_.wait_for(lock, std::chrono::nanoseconds(static_cast<std::int64_t>(CycleClock::to_ns(ticks - now)) + 1));
  }
  return true;
}

ThreadDeadline::ThreadDeadline(const CellConfig& config, std::chrono::seconds limit, std::string_view what) {
  if (!config.on_hung) return;
  try {
    thread_ = std::thread([this, &config, limit, what] { watch(config, limit, what); });
  } catch (const std::system_error&) {
  }
}

ThreadDeadline::~ThreadDeadline() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    met_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ThreadDeadline::watch(const CellConfig& config, std::chrono::seconds limit, std::string_view what) {
  os::Deadline deadline(limit);
  std::unique_lock lock(mutex_);
  while (!changed_.wait_until(lock, deadline.next_look(), [this] { return met_; })) {
    if (!deadline.passed()) continue;
    const unsigned cpus = std::thread::hardware_concurrency();
    config.on_hung(
        fmt::format("{} within {} s: {}", what, limit.count(),
                    config.vcpus + config.zappers > cpus
                        ? fmt::format("{} vCPUs take turns on {} CPUs; give fewer --vcpus, a smaller --walks-per-exit "
                                      "or --mmu-lock mutex",
                                      config.vcpus, cpus)
                        : "a walk, a commit or the guest does not end, which is a fault of the variant or of the lab"));
    return;
  }
}

CellCpus::CellCpus(const PreparedCell& prepared) {
  const CellConfig& config = prepared.config;
  const unsigned per_cpu = prepared.workload.vcpus_per_cpu;
  const DealtCpus dealt = prepared.placement.deal((config.vcpus + per_cpu - 1) / per_cpu, config.zappers);
  const auto nth = [](const std::vector<unsigned>& cpus, unsigned i) {
    return cpus.empty() ? std::optional<unsigned>() : cpus[i % cpus.size()];
  };
  for (unsigned i = 0; i < config.vcpus; ++i) vcpus.push_back(nth(dealt.vcpus, i / per_cpu));
  for (unsigned i = 0; i < config.zappers; ++i) zappers.push_back(nth(dealt.zappers, i));
  reclaimer = dealt.reclaimer;
}

std::map<std::string, unsigned> CellCpus::by_thread() const {
  std::map<std::string, unsigned> threads;
  const auto add = [&](std::string name, std::optional<unsigned> cpu) {
    if (cpu) threads.emplace(std::move(name), *cpu);
  };
  for (std::size_t i = 0; i < vcpus.size(); ++i) add(fmt::format("vcpu-{}", i), vcpus[i]);
  for (std::size_t i = 0; i < zappers.size(); ++i) add(fmt::format("zapper-{}", i), zappers[i]);
  if (has_reclaimer) add("reclaim-0", reclaimer);
  return threads;
}

CellShared::CellShared(const PreparedCell& prepared_in)
    : own_counters_(prepared_in.config.counters == nullptr ? std::make_unique<LiveCounters>() : nullptr),
      prepared(prepared_in),
      config(prepared_in.config),
      counters(own_counters_ ? *own_counters_ : *prepared_in.config.counters),
      cpus(prepared_in),
      attached(config.vcpus + config.zappers + 1),
      go(1),
      detached(config.vcpus + 1),
      yield_while_waiting(prepared_in.oversubscribed() || cpus.reclaimer_is_beside_zapper()) {
  counters.begin(config.vcpus, config.zappers);
}

WindowSchedule::WindowSchedule(const CellConfig& config, Window& window)
    : config_(config),
      window_(window),
      start_(CycleClock::now() + ticks(config.warmup)),
      end_(start_ + ticks(config.duration)) {
  window_.set(start_, end_);
}

bool WindowSchedule::wait_for_start(CellFailure& failure) {
  if (config_.observer != nullptr) {
    if (failure.wait_until(start_ - ticks(std::min<std::chrono::nanoseconds>(config_.warmup, kDecided)))) return true;
    if (config_.observer->await_window()) wait_for_observer();
  }
  return failure.wait_until(start_);
}

void WindowSchedule::wait_for_observer() {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  window_.set(kNever, kNever);
  config_.observer->let_begin();
  start_ = CycleClock::now() + ticks(kLead);
  end_ = start_ + ticks(config_.duration);
  window_.set(start_, end_);
  const std::uint64_t begins_ns = CycleClock::monotonic_ns() + CycleClock::to_whole_ns(start_ - CycleClock::now());
  config_.observer->set_window(begins_ns, begins_ns + static_cast<std::uint64_t>(config_.duration.count()));
}

CellMeasurement begin_measurement(const PreparedCell& prepared) {
  CellMeasurement cell;
  cell.workload_summary = prepared.workload.summary;
  cell.noise.cpus = std::max<unsigned>(1, static_cast<unsigned>(os::allowed_cpus().size()));
  cell.noise.walkers = prepared.config.vcpus;
  cell.noise.busy_threads = prepared.busy_threads();
  cell.noise.oversubscribed = prepared.oversubscribed();
  return cell;
}

void measure_window(CellShared& shared, HostWatch host, CellMeasurement& cell, const WindowHooks& hooks) {
  const CellConfig& config = shared.config;
  const auto enter = [&](CellPhase phase) { SHADOWWALK_PROBE(phase, phase, config.id, config.name.c_str()); };
  {
    const ThreadDeadline coming(config, kPatience, "the cell's threads did not begin");
    shared.attached.arrive_and_wait();
  }
  report_ready(config, shared.failure);
  shared.go.count_down();
  call(hooks.released);
  WindowSchedule schedule(config, shared.window);
  cell.duration_s = cell.noise.duration_s = CycleClock::to_ns(schedule.end() - schedule.start()) / 1e9;
  enter(CellPhase::warmup);
  if (!schedule.wait_for_start(shared.failure)) {
    enter(CellPhase::measure);
    host.start();
    call(hooks.begun);
    if (hooks.wait) {
      hooks.wait(schedule.end());
    } else {
      shared.failure.wait_until(schedule.end());
    }
    call(hooks.ended);
    if (config.observer != nullptr) config.observer->end_window();
    cell.host = host.finish(cell.noise);
  }
  enter(CellPhase::drain);
  shared.ending.emplace(config, kPatience, "the cell's threads did not end");
}

void finish_measurement(CellShared& shared, CellMeasurement& cell) {
  shared.ending.reset();
  if (const auto what = shared.failure.what()) throw CellError(*what);
  if (shared.config.observer != nullptr) cell.perturbed = shared.config.observer->perturbed();
  cell.placement = shared.cpus.by_thread();
}

std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks, const std::atomic<bool>& stop, bool yields) {
  constexpr double kSpinNs = 100'000;       // a sleep may wake this late
  constexpr double kLongestSleepNs = 20e6;  // then look whether the cell is over
  for (;;) {
    if (stop.load(std::memory_order_relaxed)) return std::nullopt;
    const std::uint64_t now = CycleClock::now();
    if (now >= ticks) return now;
    const double left_ns = CycleClock::to_ns(ticks - now);
    if (left_ns > kSpinNs) {
      const auto sleep_ns = static_cast<long>(std::min(left_ns - kSpinNs, kLongestSleepNs));
      const timespec time{0, sleep_ns};
      nanosleep(&time, nullptr);  // EINTR, an IPI: the loop looks again
    } else if (yields) {
      sched_yield();
    } else {
      cpu_relax();
    }
  }
}

void sleep_precisely() { prctl(PR_SET_TIMERSLACK, 1ul); }

void sleep_halted(const Vcpu& vcpu, std::uint64_t idle_us, ThreadDisturbance& disturbance) {
  constexpr std::uint64_t kLongestSleepNs = 1'000'000;  // then look whether the cell is over
  const std::uint64_t end = CycleClock::now() + CycleClock::from_ns(static_cast<double>(idle_us) * 1e3);
  for (std::uint64_t now = CycleClock::now(); now < end && !vcpu.has_request(kRequestStop); now = CycleClock::now()) {
    const timespec time{0, static_cast<long>(std::min(CycleClock::to_whole_ns(end - now), kLongestSleepNs))};
    nanosleep(&time, nullptr);
    disturbance.observe(CycleClock::now());
  }
}

void leave_cell(CellShared& shared, Vcpu& vcpu) {
  shared.detached.count_down();
  wait_interruptibly(shared.detached);
  vcpu.unbind();
}

}  // namespace shadowwalk
