#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness/probes/probes.hpp"

namespace shadowwalk::timeline {

/// One probe that fired, or a row of page probes.
struct Record {
  std::uint64_t ticks = 0;  ///< of the cycle clock; of a row, of its first probe
  std::uint64_t a = 0;      ///< the probe's arguments: see keep() in recorder.cpp
  std::uint64_t b = 0;
  std::uint32_t c = 0;
  Probe probe{};

  /// How many probes it represents.
  std::uint64_t count() const { return probe == Probe::page__retire || probe == Probe::page__free ? a : 1; }
};
static_assert(sizeof(Record) == 32);

/// Keeps the newest records: when it is full, the oldest are dropped and counted. They are those of the warm-up; the
/// measured window and the drain come last. One thread and its signal handlers write; read it when they have ended.
class Ring {
 public:
  /// `capacity`: a power of 2. The constructor touches all memory, so that no append faults.
  explicit Ring(std::size_t capacity) : records_(capacity) {}

  void append(const Record& record) {
    // One instruction, so that a signal handler in between takes a slot of its own.
    const std::uint64_t at = next_.fetch_add(1, std::memory_order_relaxed);
    Record& slot = records_[at & (records_.size() - 1)];
    if (at >= records_.size()) [[unlikely]]
      dropped_[static_cast<std::size_t>(slot.probe)].fetch_add(slot.count(), std::memory_order_relaxed);
    slot = record;
  }
  /// The last record; null before the first.
  Record* last() {
    const std::uint64_t next = next_.load(std::memory_order_relaxed);
    return next == 0 ? nullptr : &records_[(next - 1) & (records_.size() - 1)];
  }

  /// The records kept, in order of time.
  std::vector<Record> in_order() const;
  std::uint64_t dropped(Probe probe) const {
    return dropped_[static_cast<std::size_t>(probe)].load(std::memory_order_relaxed);
  }
  bool has_dropped() const { return next_.load(std::memory_order_relaxed) > records_.size(); }

 private:
  std::vector<Record> records_;
  std::atomic<std::uint64_t> next_{0};
  std::array<std::atomic<std::uint64_t>, kProbes> dropped_{};
};

/// The probes that one thread of the cell fired. Those that may fire once per exit or more often have a ring of their
/// own, so that they push out no zap, commit, IPI or free.
struct alignas(64) Track {
  Track(std::string name_in, pid_t tid_in, std::size_t records);

  const std::string name;
  const pid_t tid;
  const std::uint64_t longest_row;  ///< in ticks: pages unlinked or freed in a row within this time are one record
  Ring often;
  Ring seldom;
};

/// Records a cell's probes (harness/probes/probes.hpp), one track per thread. A thread's memory is allocated when it
/// joins. The recorder attaches to the probes as a tool does: without one, a probe only tests its semaphore.
class Recorder {
 public:
  static constexpr std::size_t kDefaultRecords = 65'536;
  static constexpr std::size_t kMinRecords = 16;
  static constexpr std::size_t kMaxRecords = 1'048'576;

  /// `records`: capacity of each of a thread's two rings, from kMinRecords to kMaxRecords, rounded up to a power of 2.
  /// One recorder at a time, made before the threads that join it start.
  explicit Recorder(std::size_t records);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// On the thread that made it, when all other threads have ended.
  ~Recorder();

  /// Records the calling thread as `name` from now on. Allocates memory: do not call it during a measured window.
  void join(const std::string& name);

  /// In the order of joining. Call it when all other threads have ended.
  const std::vector<std::unique_ptr<Track>>& tracks() const { return tracks_; }
  std::size_t records() const { return records_; }
  /// Size of a thread's rings, in bytes.
  std::size_t bytes_per_thread() const { return 2 * records_ * sizeof(Record); }

 private:
  const std::size_t records_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Track>> tracks_;
};

/// `recorder->join(name)`, if there is one.
inline void join(Recorder* recorder, const std::string& name) {
  if (recorder != nullptr) recorder->join(name);
}

}  // namespace shadowwalk::timeline
