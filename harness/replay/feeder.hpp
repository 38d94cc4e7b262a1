#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/replay/lane.hpp"
#include "harness/trace/trace_reader.hpp"

namespace shadowwalk::replay {

/// Whether the replay can act on the event: an access, a zap or a write protection. Other events (docs/trace-format.md)
/// and accesses to unknown pages are skipped.
bool is_replayable(const trace::TraceEvent& event);

/// Reads a trace repeatedly, in bounded memory, and feeds each thread its events in order: those of vCPU v go to lane
/// v % vcpus, those of threads that run no vCPU to the host's lane.
class Feeder {
 public:
  struct Shape {
    unsigned vcpus = 1;       ///< lanes for vCPUs, 1..1024
    bool host_lane = true;    ///< whether events of threads that run no vCPU are replayed
    std::uint64_t ahead = 0;  ///< no event is fed while one that is this many earlier is not done; at least 2
  };

  /// Throws InputError if the file is no complete trace.
  Feeder(const std::filesystem::path& file, const Shape& shape);

  const trace::TraceReader& reader() const { return reader_; }
  Lane& vcpu_lane(unsigned index) { return *lanes_[index]; }
  /// Only if the shape has a host lane.
  Lane& host_lane() { return *lanes_.back(); }

  /// Feeds until stop(). Throws InputError, in one line, for a trace that is corrupt or cannot be replayed.
  void run();
  /// Any thread.
  void stop() { bell_.stop(); }

  // Valid when run() has returned.
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t covered_zaps() const { return covered_zaps_; }
  /// How often the threads have done the whole trace.
  std::uint64_t passes() const;

 private:
  /// What the last zap of a thread zapped beside its own event, and will be recorded next.
  struct Covered {
    std::uint64_t pages = 0;            ///< of a zap of everything, still to come
    bool all_that_follow = false;       ///< of a zap of everything
    std::uint64_t first = 0, last = 0;  ///< gfns below a page, the last excluded
  };

  /// False: stopped.
  bool feed_pass();
  bool feed(const trace::TraceEvent& event);
  bool hold_back();
  /// The lane that is farthest behind, and the number of its oldest event that is not done.
  std::pair<Lane*, std::uint64_t> slowest() const;
  bool is_replayed(const trace::TraceEvent& event) const;
  bool is_covered(const trace::TraceEvent& event);
  void check(const trace::TraceEvent& event, std::uint64_t index) const;

  trace::TraceReader reader_;
  const Shape shape_;
  const bool has_tdp_mmu_;  // its leaves are in the trace
  FeederBell bell_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // of vCPUs; last, the host's
  std::uint64_t fed_ = 0;
  std::uint64_t may_feed_below_ = 0;  // without reading the lanes again
  std::uint64_t pass_begins_ns_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t covered_zaps_ = 0;
  std::uint64_t fed_per_pass_ = 0;                      // once the first is fed
  std::unordered_map<std::uint32_t, Covered> covered_;  // by thread
};

}  // namespace shadowwalk::replay
