#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/timeline/recorder.hpp"

namespace shadowwalk::timeline {

/// What a thread did from `start` to `end`; ticks.
struct Span {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const char* name = "";
  std::string args;  ///< members of a JSON object, without its braces
};

/// What happened to a thread at one time.
struct Moment {
  std::uint64_t at = 0;
  const char* name = "";
  std::string args;
};

struct Activity {
  std::vector<Span> spans;  ///< by start, outer ones first; two spans are nested or disjoint
  std::vector<Moment> moments;
};

/// What one thread did, from its records in order of time. An end whose start was dropped is ignored. What is still
/// open at the thread's last record ends with it, but the last phase ends at `end`, the end of all threads' records.
Activity activity_of(std::span<const Record> records, std::uint64_t end);

/// Cuts each span to the end of the span in which it began. Expects the order of activity_of().
void nest(std::vector<Span>& spans);

/// An IPI and the acknowledgement that answered it; ticks. Tracks by their index in `tracks`.
struct IpiPair {
  std::size_t sender = 0;
  std::uint64_t sent = 0;
  std::size_t target = 0;
  std::uint64_t acknowledged = 0;
};

/// One acknowledgement may answer several IPIs, since signals coalesce. An IPI has no pair if its acknowledgement was
/// dropped, or if it precedes the IPI because the clocks of two CPUs differ. `records`: each track's, in order of time.
std::vector<IpiPair> pair_ipis(std::span<const std::unique_ptr<Track>> tracks,
                               const std::vector<std::vector<Record>>& records);

/// The number of pages that are unlinked and not yet freed, from `at` on.
struct Level {
  std::uint64_t at = 0;  ///< ticks
  std::uint64_t pages = 0;
};

/// The number of pages that are unlinked and not yet freed, over time, from where all tracks' records are complete.
/// `records`: each track's, in order of time. A row of pages counts from its first page when it is unlinked, and from
/// its last page when it is freed.
std::vector<Level> unreclaimed_pages(std::span<const std::unique_ptr<Track>> tracks,
                                     const std::vector<std::vector<Record>>& records);

}  // namespace shadowwalk::timeline
