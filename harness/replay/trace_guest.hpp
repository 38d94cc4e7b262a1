#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/measure/window.hpp"
#include "harness/replay/feeder.hpp"
#include "harness/replay/lane.hpp"
#include "harness/replay/replay_counts.hpp"

namespace shadowwalk::replay {

/// The file of a workload `trace:my.swtrace`; nothing for other workloads.
constexpr std::optional<std::string_view> trace_file(std::string_view workload) {
  constexpr std::string_view kPrefix = "trace:";
  if (!workload.starts_with(kPrefix)) return std::nullopt;
  return workload.substr(kPrefix.size());
}

/// One vCPU that replays the accesses of a trace. enter() waits until its next event is due, or until a kick, and
/// returns the due accesses, at most `burst`; none if the event is a zap by the vCPU's own thread (due_zap()).
class ReplayVcpu final : public GuestVcpu {
 public:
  struct Shared {
    const ReplayClock& clock;
    const Window& window;
    std::size_t burst;    ///< maximum accesses per exit
    bool clocked;         ///< whether counts() has latencies
    bool cpus_are_short;  ///< there are more busy threads than CPUs
  };
  ReplayVcpu(Lane& lane, const Shared& shared) : lane_(lane), shared_(shared) { accesses_.reserve(shared.burst); }

  std::span<const Access> enter() override;
  std::uint64_t idle_us() const override { return 0; }
  std::uint8_t& immediate_exit() override { return immediate_exit_.byte; }

  /// The next event if it is due and a change of shadow pages by the vCPU's thread; null otherwise. Outside guest mode.
  const FedEvent* due_zap();
  std::uint64_t due(const FedEvent& fed) const { return shared_.clock.due(fed.event.time_ns); }
  /// Marks that event as done. `began`: when it began, in ticks.
  void zap_done(std::uint64_t began);

  const ReplayCounts& counts() const { return counts_; }

 private:
  bool kicked();
  void sleep(std::uint64_t ns);
  void wait_near(std::uint64_t left_ticks);
  void take(std::span<const FedEvent> there, std::uint64_t now);

  /// A futex can wait for the byte: no kick is lost between reading it and the wait.
  struct alignas(64) ImmediateExit {
    std::uint8_t byte = 0;
    std::uint8_t rest[3] = {};
  };

  Lane& lane_;
  const Shared& shared_;
  std::vector<Access> accesses_;
  std::size_t taken_ = 0;  // events that the last enter() returned
  FeedBackoff backoff_;
  ReplayCounts counts_;
  ImmediateExit immediate_exit_;
};

/// A trace as the guest: a third source of accesses, beside KVM and thread guests. Threads: one for feeder().run(), one
/// per vCPU, one for the host's lane if there is one.
class TraceGuest final : public Guest {
 public:
  struct Config {
    std::filesystem::path file{};
    unsigned vcpus = 1;     ///< 1..1024: vCPU v of the trace is vCPU v % vcpus here
    bool host_lane = true;  ///< whether a thread replays the events of host threads
    std::size_t burst = 1;  ///< maximum accesses per exit
    Pace pace{};
    bool clocked = true;          ///< take latencies
    bool cpus_are_short = false;  ///< there are more busy threads than CPUs
  };

  /// How far a thread may be ahead of another, in events of the trace. In an open loop time keeps the threads together,
  /// and the feeder must be ahead of the time.
  static constexpr std::uint64_t kAheadInClosedLoop = 1 << 13;
  static constexpr std::uint64_t kAheadInOpenLoop = 1 << 16;

  /// Throws InputError if the trace cannot be opened.
  TraceGuest(const Config& config, const Window& window);

  ReplayVcpu& vcpu(unsigned index) override { return *vcpus_.at(index); }
  KvmStatistics statistics() const override { return {.values = {}, .unavailable = "a replayed trace has no KVM"}; }

  Feeder& feeder() { return feeder_; }
  ReplayClock& clock() { return clock_; }

 private:
  ReplayClock clock_;
  Feeder feeder_;
  const ReplayVcpu::Shared shared_;
  std::vector<std::unique_ptr<ReplayVcpu>> vcpus_;
};

}  // namespace shadowwalk::replay
