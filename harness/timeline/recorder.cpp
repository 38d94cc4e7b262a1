#include "harness/timeline/recorder.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::timeline {
namespace {

constinit thread_local Track* this_track = nullptr;

/// Whether it fires once per exit, fault or walk.
constexpr bool is_often(Probe probe) {
  switch (probe) {
    case Probe::vcpu__entry:
    case Probe::vcpu__exit:
    case Probe::vcpu__halt:
    case Probe::walker__stall:
    case Probe::fault:
    case Probe::violation:
      return true;
    default:
      return false;
  }
}

/// A zap unlinks and frees up to hundreds of pages in a row.
constexpr double kLongestRowNs = 20'000;

/// a: pages of the row; b: the greatest time from unlink to free, ns; c: ticks from the first page to the last.
void keep_page(Track& track, Probe probe, std::uint64_t now, std::uint64_t ns) {
  Record* const last = track.seldom.last();
  if (last != nullptr && last->probe == probe && now - last->ticks <= track.longest_row) {
    ++last->a;
    last->b = std::max(last->b, ns);
    last->c = static_cast<std::uint32_t>(now - last->ticks);
  } else {
    track.seldom.append({.ticks = now, .a = 1, .b = ns, .probe = probe});
  }
}

/// The listener of all probes. Async-signal-safe.
void keep(Probe probe, std::uint64_t arg0, std::uint64_t arg1, std::uint64_t arg2, std::uint64_t arg3) noexcept {
  Track* const track = this_track;
  if (track == nullptr) return;
  const std::uint64_t now = CycleClock::now();
  switch (probe) {
    case Probe::page__retire:
      return keep_page(*track, probe, now, 0);
    case Probe::page__free:
      return keep_page(*track, probe, now, arg3);
    case Probe::zap__start:
    case Probe::zap__done:
      // Without arg0: the zapper is the track.
      return track->seldom.append({.ticks = now, .a = arg1, .b = arg2, .probe = probe});
    case Probe::vcpu__exit:
    case Probe::vcpu__halt:
      return track->often.append({.ticks = now, .a = arg1, .probe = probe});
    case Probe::fault:
      return track->often.append(
          {.ticks = now, .a = arg0, .b = arg2, .c = static_cast<std::uint32_t>(arg1), .probe = probe});
    default:
      (is_often(probe) ? track->often : track->seldom).append({.ticks = now, .a = arg0, .b = arg1, .probe = probe});
  }
}

}  // namespace

std::vector<Record> Ring::in_order() const {
  const std::uint64_t next = next_.load(std::memory_order_relaxed);
  const std::uint64_t kept = std::min<std::uint64_t>(next, records_.size());
  std::vector<Record> records;
  records.reserve(kept);
  for (std::uint64_t at = next - kept; at != next; ++at) records.push_back(records_[at & (records_.size() - 1)]);
  // A record of a signal handler that ran between a clock read and its append comes first.
  std::ranges::stable_sort(records, {}, &Record::ticks);
  return records;
}

Track::Track(std::string name_in, pid_t tid_in, std::size_t records)
    : name(std::move(name_in)),
      tid(tid_in),
      longest_row(CycleClock::from_ns(kLongestRowNs)),
      often(records),
      seldom(records) {}

Recorder::Recorder(std::size_t records) : records_(std::bit_ceil(std::clamp(records, kMinRecords, kMaxRecords))) {
  probes::attach(keep);
}

Recorder::~Recorder() {
  probes::detach();
  this_track = nullptr;
}

void Recorder::join(const std::string& name) {
  auto track = std::make_unique<Track>(name, static_cast<pid_t>(syscall(SYS_gettid)), records_);
  Track* const raw = track.get();
  const std::lock_guard lock(mutex_);
  tracks_.push_back(std::move(track));
  this_track = raw;
}

}  // namespace shadowwalk::timeline
