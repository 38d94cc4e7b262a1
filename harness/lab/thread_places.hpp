#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "harness/machine/placement.hpp"

namespace shadowwalk {

/// Which CPU each thread of a cell is pinned to, dealt in order, and written down for the result.
class ThreadPlaces {
 public:
  /// `placement`: as Placement::parse() reads it. Throws InputError.
  explicit ThreadPlaces(std::string_view placement) : placement_(Placement::parse(placement)) {}
  std::optional<unsigned> next(const std::string& thread) {
    const std::optional<unsigned> cpu = placement_.cpu_of(dealt_++);
    if (cpu) taken_[thread] = *cpu;
    return cpu;
  }
  /// That of `host`, a thread that has its place; the next free CPU for `host` itself.
  std::optional<unsigned> next_beside(const std::string& thread, const std::string& host) {
    if (thread == host || !taken_.contains(host)) return next(thread);
    return taken_[thread] = taken_.at(host);
  }
  /// The next free CPU; where there is none, that of `host`.
  std::optional<unsigned> next_or_beside(const std::string& thread, const std::string& host) {
    return dealt_ < placement_.cpus() ? next(thread) : next_beside(thread, host);
  }
  std::size_t cpus() const { return placement_.cpus(); }
  const std::map<std::string, unsigned>& taken() const { return taken_; }
  void forget(const std::string& thread) { taken_.erase(thread); }

 private:
  const Placement placement_;
  std::size_t dealt_ = 0;
  std::map<std::string, unsigned> taken_;
};

}  // namespace shadowwalk
