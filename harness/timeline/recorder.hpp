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

#include "harness/timeline/record.hpp"

namespace shadowwalk::timeline {

/// Keeps the newest records: when it is full, the oldest give way and are counted. A cell ends in its steady state and
/// its drain; what comes first is the warm-up. One thread and its signal handlers write; read when they have ended.
class Ring {
 public:
  /// `capacity`: a power of 2. Its memory is touched here, so that no append faults.
  explicit Ring(std::size_t capacity) : records_(capacity) {}

  void append(const Record& record) {
    // One instruction, so that a handler that comes in between takes a slot of its own.
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

  /// What is kept, in order of time.
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

/// What one thread of the cell fired. Probes that may fire once an exit or oftener have a ring of their own: they drown
/// no zap, commit, IPI or free.
struct alignas(64) Track {
  Track(std::string name_in, pid_t tid_in, std::size_t records);

  const std::string name;
  const pid_t tid;
  const std::uint64_t longest_row;  ///< in ticks: pages that are unlinked or freed in a row are one record until then
  Ring often;
  Ring seldom;
};

/// Records a cell's probes (harness/probes/probes.hpp) on a track a thread, in memory that is all taken when a thread
/// joins. It listens to the probes as a tool does: without a recorder there is nothing but their tests.
class Recorder {
 public:
  static constexpr std::size_t kDefaultRecords = 65'536;
  static constexpr std::size_t kMinRecords = 16;
  static constexpr std::size_t kMaxRecords = 1'048'576;

  /// `records`: that each of a thread's two rings keeps, rounded up to a power of 2; within kMinRecords and
  /// kMaxRecords. One recorder at a time, made before the threads that join it start.
  explicit Recorder(std::size_t records);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// On the thread that made it, when all others have ended.
  ~Recorder();

  /// From here on the calling thread is recorded, as `name`. Takes memory: not while something is measured.
  void join(const std::string& name);

  /// When all threads but the caller have ended: in the order of joining.
  const std::vector<std::unique_ptr<Track>>& tracks() const { return tracks_; }
  std::size_t records() const { return records_; }
  /// What rings hold of a thread, in bytes.
  std::size_t bytes_a_thread() const { return 2 * records_ * sizeof(Record); }

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
