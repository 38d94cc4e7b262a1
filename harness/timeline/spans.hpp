#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/timeline/record.hpp"

namespace shadowwalk::timeline {

/// What a thread did from `start` to `end`, in ticks.
struct Span {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const char* name = "";
  std::string args;  ///< members of a JSON object, without its braces
};

/// What happened to a thread at one moment.
struct Moment {
  std::uint64_t at = 0;
  const char* name = "";
  std::string args;
};

struct Deeds {
  std::vector<Span> spans;  ///< by start, the outer one first; one lies within another or beside it
  std::vector<Moment> moments;
};

/// What one thread did, by its records in order of time. An end whose start was dropped tells nothing; what had not
/// ended with the thread's last record ended with it, the last phase at `end`, when the last thread's records end.
Deeds deeds_of(std::span<const Record> records, std::uint64_t end);

/// Cuts spans to those that they began in. In the order of deeds_of().
void nest(std::vector<Span>& spans);

}  // namespace shadowwalk::timeline
