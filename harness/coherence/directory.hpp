#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "harness/coherence/topology.hpp"

namespace shadowwalk::coherence {

/// A subset of a topology's CPUs and the one more that an execution may have.
class CpuSet {
 public:
  void add(unsigned cpu) { words_[cpu / 64] |= std::uint64_t{1} << (cpu % 64); }
  void clear() { words_ = {}; }
  bool has(unsigned cpu) const { return (words_[cpu / 64] >> (cpu % 64) & 1) != 0; }
  bool empty() const { return !exceeds({}); }
  bool meets(const CpuSet& other) const {
    std::uint64_t common = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) common |= words_[i] & other.words_[i];
    return common != 0;
  }
  /// Whether it contains CPUs that `other` does not.
  bool exceeds(const CpuSet& other) const {
    std::uint64_t beyond = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) beyond |= words_[i] & ~other.words_[i];
    return beyond != 0;
  }

 private:
  std::array<std::uint64_t, Topology::kMostCpus / 64 + 1> words_{};
};

/// A cache line by MESI: which CPUs have it, and until when it is in transit.
struct Line {
  static constexpr unsigned kNone = ~0u;

  unsigned owner = kNone;  ///< has it modified or exclusive; no other CPU has it then
  bool dirty = false;      ///< the owner has written it
  CpuSet sharers;          ///< the CPUs that have it shared
  Picoseconds busy_until = 0;

  bool readable(unsigned cpu) const { return owner == cpu || sharers.has(cpu); }
  bool writable(unsigned cpu) const { return owner == cpu; }
};

/// The lines of a simulated memory, by the real addresses of their variables: variables that share a line in the source
/// share it here. References to lines stay valid.
class LineTable {
 public:
  static constexpr std::uintptr_t kLineBytes = 64;

  Line& at(const void* address) {
    const std::uintptr_t number = reinterpret_cast<std::uintptr_t>(address) / kLineBytes;
    Recent& recent = recent_[number % recent_.size()];
    if (recent.number == number) [[likely]]
      return *recent.line;
    return find(number, recent);
  }

 private:
  struct Recent {
    std::uintptr_t number = ~std::uintptr_t{0};
    Line* line = nullptr;
  };

  [[gnu::noinline]] Line& find(std::uintptr_t number, Recent& recent) {
    const auto [entry, is_new] = lines_.try_emplace(number, nullptr);
    if (is_new) entry->second = &storage_.emplace_back();
    recent = {number, entry->second};
    return *entry->second;
  }

  std::array<Recent, 4096> recent_;
  std::unordered_map<std::uintptr_t, Line*> lines_;
  std::deque<Line> storage_;
};

/// The protocol: what the transfer of a line costs, and in which state it leaves each CPU. Caches have room for
/// everything, so that a line moves only because another CPU wants it. Not thread-safe.
class Directory {
 public:
  /// The outcome of an access that the own cache could not serve.
  struct Moved {
    Picoseconds done = 0;      ///< when the CPU has the line
    bool transferred = false;  ///< from another CPU's cache, or out of it; else from memory
    /// The CPU that could write it, and until when it still can (Topology::line_hold). So two CPUs that want one line
    /// transfer it less often than once per access.
    unsigned former_owner = Line::kNone;
    Picoseconds kept_until = 0;
  };

  explicit Directory(const Topology& topology);

  /// `cpu`, for which the line is not readable, wants it at `now`. Readers of a shared line are served one by one.
  Moved read(Line& line, unsigned cpu, Picoseconds now) const;
  /// `cpu`, for which the line is not writable, wants it at `now`. All other CPUs lose it; the next CPU to want it
  /// waits until it has arrived.
  Moved write(Line& line, unsigned cpu, Picoseconds now) const;

 private:
  Moved from_owner(const Line& line, unsigned cpu, Picoseconds start) const;
  Picoseconds from_nearest(const CpuSet& sharers, unsigned cpu) const;
  Picoseconds to_farthest(const CpuSet& sharers, unsigned cpu) const;

  const Topology& topology_;
  /// By tier, by CPU: the CPUs that are nearer than that. For Tier::core the CPU itself, for Tier::llc its core's, ...
  std::array<std::vector<CpuSet>, kTiers> nearer_;
};

}  // namespace shadowwalk::coherence
