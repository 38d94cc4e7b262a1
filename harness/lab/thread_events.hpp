#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/measure/pmu/event_encoder.hpp"
#include "harness/measure/pmu/self_reading.hpp"
#include "harness/measure/pmu/thread_counters.hpp"
#include "harness/measure/window.hpp"

namespace shadowwalk {

/// What `--events` asks for on this machine, encoded for threads that run `code`; empty for an empty text.
pmu::EncodedSelection encode_events(const std::string& text, pmu::CountedCode code = pmu::CountedCode::user);

/// The events of `--events` on one thread of a cell: counted in the window only, and, where they can be read without a
/// system call, over the thread's bursts or zaps alone. Without events it does nothing, at the price of a test.
class ThreadEvents {
 public:
  using ReadCounter = std::uint64_t (*)(std::uint32_t);

  /// `stretches`: count bursts or zaps by themselves, if it can be done.
  ThreadEvents(const pmu::EncodedSelection& selection, const Window& window, bool stretches)
      : selection_(selection), window_(window), stretches_wanted_(stretches) {}

  /// Opens the events for the calling thread, which is the one that is counted. (Tests bring a PMU of their own.)
  void open(pmu::PerfKernel& kernel = pmu::PerfKernel::real(), ReadCounter read_counter = &pmu::rdpmc);

  /// Call it often: it does something only the first time that it is called in the window, and the first time after.
  void observe(std::uint64_t now) {
    if (opened_ && phase_ != Phase::after) [[unlikely]]
      pass(now);
  }
  /// Around a burst or a zap; `units`: the walks or zaps in it that count.
  void begin_work() {
    if (stretch_counts_ && phase_ == Phase::within) [[unlikely]]
      stretch_counts_->begin();
  }
  void end_work(std::uint64_t units) {
    if (stretch_counts_ && phase_ == Phase::within) [[unlikely]]
      stretch_counts_->end(units);
  }

  /// For a thread that does not observe for itself; any thread may call them.
  void start();
  void stop();

  /// Null before open().
  const pmu::ThreadCounters* counters() const { return opened_ ? &*opened_ : nullptr; }
  /// Null if no stretches were asked for.
  const pmu::StretchCounts<ReadCounter>* stretches() const { return stretch_counts_ ? &*stretch_counts_ : nullptr; }
  const pmu::EncodedSelection& selection() const { return selection_; }

 private:
  enum class Phase { before, within, after };
  void pass(std::uint64_t now);

  const pmu::EncodedSelection& selection_;
  const Window& window_;
  const bool stretches_wanted_;
  std::optional<pmu::ThreadCounters> opened_;
  std::optional<pmu::StretchCounts<ReadCounter>> stretch_counts_;
  Phase phase_ = Phase::before;
};

}  // namespace shadowwalk
