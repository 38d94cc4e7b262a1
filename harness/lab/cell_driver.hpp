#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/thread_disturbance.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/placement.hpp"
#include "harness/measure/live_counters.hpp"
#include "harness/measure/window.hpp"

/// What every cell of real threads is driven with, whether the lab's MMU or the kernel's serves it.
namespace shadowwalk {

/// The first error of any of a cell's threads, which ends the cell.
class CellFailure {
 public:
  void report(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!what_) what_ = what;
    changed_.notify_all();
  }
  /// Waits until `ticks` of the cycle clock or the first failure. True: failed.
  bool wait_until(std::uint64_t ticks);
  std::optional<std::string> what() const {
    const std::lock_guard lock(mutex_);
    return what_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> what_;
};

/// While it lives, the cell's threads have a time limit to come or to end; a time in which the process did not run does
/// not count. Past it, calls config.on_hung with `what`, the time, and what helps.
class ThreadDeadline {
 public:
  /// Without config.on_hung, or where the host has no thread left to watch, there is no limit.
  ThreadDeadline(const CellConfig& config, std::chrono::seconds limit, std::string_view what);
  ~ThreadDeadline();
  ThreadDeadline(const ThreadDeadline&) = delete;
  ThreadDeadline& operator=(const ThreadDeadline&) = delete;

 private:
  void watch(const CellConfig& config, std::chrono::seconds limit, std::string_view what);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool met_ = false;
  std::thread thread_;
};

/// The CPU of each of a cell's threads; empty where nothing is pinned.
struct CellCpus {
  explicit CellCpus(const PreparedCell& prepared);

  std::vector<std::optional<unsigned>> vcpus;
  std::vector<std::optional<unsigned>> zappers;
  std::optional<unsigned> reclaimer;  ///< dealt whether or not the variant has one: all variants are placed alike
  bool has_reclaimer = false;         ///< set by the cell, when the variant has asked for RCU

  /// A zapper that spins on the reclaimer's CPU would keep callbacks waiting.
  bool reclaimer_is_beside_zapper() const { return is_among(zappers); }
  bool reclaimer_is_beside_vcpu() const { return is_among(vcpus); }
  /// Thread name -> CPU, for the result.
  std::map<std::string, unsigned> by_thread() const;

 private:
  bool is_among(const std::vector<std::optional<unsigned>>& cpus) const {
    return reclaimer && std::ranges::find(cpus, reclaimer) != cpus.end();
  }
};

/// What the threads of a cell share. Made by the thread that runs the cell, before it starts the others.
struct CellShared {
  /// Begins the cell's counters and deals the CPUs. `prepared` outlives this.
  explicit CellShared(const PreparedCell& prepared);

  bool clocked() const { return config.instrumentation != Instrumentation::none; }

 private:
  const std::unique_ptr<LiveCounters> own_counters_;

 public:
  const PreparedCell& prepared;
  const CellConfig& config;
  LiveCounters& counters;
  CellCpus cpus;
  Window window;
  CellFailure failure;
  std::latch attached;  ///< vCPUs, zappers and the main thread: they can be interrupted, and found by their names
  std::latch go;        ///< the main thread: no thread walks or zaps before
  std::latch detached;  ///< vCPUs and the main thread: a vCPU stays bound until no thread can interrupt it any more
  std::atomic<bool> stop_zappers{false};
  std::optional<ThreadDeadline> ending;  ///< from the window's end until finish_measurement()
  const bool yield_while_waiting;        ///< zappers do not spin: others need their CPU
};

/// When a cell's measured window is: after its warm-up, or, for an observer with tools that must be ready first, when
/// they are.
class WindowSchedule {
 public:
  /// The warm-up begins: sets the window.
  WindowSchedule(const CellConfig& config, Window& window);

  /// Waits until the window begins. True: the cell has failed.
  bool wait_for_start(CellFailure& failure);

  /// In ticks of the cycle clock. The length never changes.
  std::uint64_t start() const { return start_; }
  std::uint64_t end() const { return end_; }

 private:
  void wait_for_observer();

  const CellConfig& config_;
  Window& window_;
  std::uint64_t start_;
  std::uint64_t end_;
};

/// What a kind of cell adds to measure_window(), on the thread that runs the cell. Each may be empty.
struct WindowHooks {
  std::function<void()> released{};  ///< the threads begin to work; the warm-up follows
  std::function<void()> begun{};     ///< the window has begun
  std::function<void(std::uint64_t end_ticks)>
      wait{};                     ///< until the window ends or the cell fails; else the driver waits
  std::function<void()> ended{};  ///< the window is over, the threads still work
};

/// The failure of a cell that lacks a thread.
void report_no_thread(CellFailure& failure, const std::system_error& error);

/// Starts a thread of the cell, which runs `body.run(cpu)`. Where the host has no thread left for it, the cell fails,
/// and the latches do not wait for it. Call it before measure_window().
template <class Body>
void start_thread(CellShared& shared, std::vector<std::thread>& threads, Body& body, std::optional<unsigned> cpu) {
  try {
    threads.emplace_back(&Body::run, &body, cpu);
  } catch (const std::system_error& error) {
    report_no_thread(shared.failure, error);
    shared.attached.count_down();
    if constexpr (Body::kLeavesCell) shared.detached.count_down();
  }
}

/// Fills in what is known before a cell runs: its workload, and what its threads ask of the CPUs.
CellMeasurement begin_measurement(const PreparedCell& prepared);

/// Waits until all threads are there, releases them, and goes through warm-up and window, up to the drain: fills in
/// `cell`'s duration, host and noise. Returns early if the cell has failed.
void measure_window(CellShared& shared, HostWatch host, CellMeasurement& cell, const WindowHooks& hooks);

/// When all threads have ended. Throws CellError if one had failed; notes what disturbed the cell, and where its
/// threads were.
void finish_measurement(CellShared& shared, CellMeasurement& cell);

/// Paces a thread that acts at set times whether or not it is late. Returns when it was `ticks` of the cycle clock or a
/// little later, and which time that was; empty once `stop` is set, seen within 20 ms. Sleeps far from the time and
/// spins near it, or yields (`yields`) where CPUs are short.
std::optional<std::uint64_t> wait_for_beat(std::uint64_t ticks, const std::atomic<bool>& stop, bool yields);

/// Before the first wait: sleeps of the calling thread end on time, not up to 50 us later.
void sleep_precisely();

/// A HLT exit: the calling thread, `vcpu`'s own, blocks outside guest mode for `idle_us` or until kRequestStop, seen
/// within 1 ms. As in KVM neither a TLB flush nor a root's reload wakes it; the vCPU serves them when it wakes.
void sleep_halted(const Vcpu& vcpu, std::uint64_t idle_us, ThreadDisturbance& disturbance);

/// The end of a vCPU's thread: stays bound until no thread can interrupt it any more.
void leave_cell(CellShared& shared, Vcpu& vcpu);

}  // namespace shadowwalk
