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

/// The file of a workload that is a trace, as a command line names it: `trace:my.swtrace`. Nothing for other workloads.
constexpr std::optional<std::string_view> trace_file(std::string_view workload) {
  constexpr std::string_view kPrefix = "trace:";
  if (!workload.starts_with(kPrefix)) return std::nullopt;
  return workload.substr(kPrefix.size());
}

/// One vCPU whose accesses are a trace's. enter() waits, kickable, until its next event is due and returns the accesses
/// that are due, `burst` at most; none where the event is a zap that the vCPU's own thread did, see due_zap().
class ReplayVcpu final : public GuestVcpu {
 public:
  struct Shared {
    const ReplayClock& clock;
    const Window& window;
    std::size_t burst;    ///< accesses an exit, at most
    bool clocked;         ///< whether counts() has latencies
    bool cpus_are_short;  ///< there are more busy threads than CPUs
  };
  ReplayVcpu(Lane& lane, const Shared& shared) : lane_(lane), shared_(shared) { accesses_.reserve(shared.burst); }

  std::span<const Access> enter() override;
  std::uint64_t idle_us() const override { return 0; }
  std::uint8_t& immediate_exit() override { return immediate_exit_.byte; }

  /// What a trace's vCPU did to shadow pages, if that is its next event and due; null otherwise. Outside guest mode.
  const FedEvent* due_zap();
  std::uint64_t due(const FedEvent& fed) const { return shared_.clock.due(fed.event.time_ns); }
  /// It is done. `began`: when that was, in ticks.
  void zap_done(std::uint64_t began);

  const ReplayCounts& counts() const { return counts_; }

 private:
  bool kicked();
  void sleep(std::uint64_t ns);
  void wait_near(std::uint64_t left_ticks);
  void take(std::span<const FedEvent> there, std::uint64_t now);

  /// A futex can wait for the byte: a kick is never lost between a look at it and the wait.
  struct alignas(64) ImmediateExit {
    std::uint8_t byte = 0;
    std::uint8_t rest[3] = {};
  };

  Lane& lane_;
  const Shared& shared_;
  std::vector<Access> accesses_;
  std::size_t taken_ = 0;  // events that the caller has not come back from
  FeedBackoff backoff_;
  ReplayCounts counts_;
  ImmediateExit immediate_exit_;
};

/// A trace as the guest: a third source of accesses, beside KVM and thread guests. Threads: one for feeder().run(), one
/// a vCPU, one for the host's lane if there is one.
class TraceGuest final : public Guest {
 public:
  struct Config {
    std::filesystem::path file{};
    unsigned vcpus = 1;     ///< 1..1024: vCPU v of the trace is vCPU v % vcpus here
    bool host_lane = true;  ///< whether a thread does what host threads did
    std::size_t burst = 1;  ///< accesses an exit, at most
    Pace pace{};
    bool clocked = true;          ///< take latencies
    bool cpus_are_short = false;  ///< there are more busy threads than CPUs
  };

  /// How far a thread may be ahead of another, in events of the trace. Open loop: time holds them together, and the
  /// feeder must be ahead of it.
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
