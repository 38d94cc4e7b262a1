#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "harness/simulation/execution.hpp"

namespace shadowwalk::simulation {

/// std::atomic on the simulated machine, as compiled for x86: a seq_cst store is a locked operation, any other store
/// goes through the CPU's store buffer, each read-modify-write is locked whatever its order, loads are plain. A site
/// that the execution weakens (site.hpp) orders nothing.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

  using Where = SourceLine;

 public:
  Atomic(T value = {}) { location_ = {Execution::current().new_location(), to_word(value)}; }  // NOLINT: as std::atomic
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order = std::memory_order_seq_cst, Where where = Where::current()) const {
    if (order != std::memory_order_relaxed) execution().passes(where, Site::Kind::acquire_load);
    return from_word(execution().load(location_));
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst, Where where = Where::current()) {
    if (order == std::memory_order_seq_cst) {
      exchange(value, order, where);
    } else {
      const bool release = order == std::memory_order_release && !execution().passes(where, Site::Kind::release_store);
      execution().store(location_, to_word(value), release);
    }
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    if (execution().passes(where, Site::Kind::exchange)) {
      const std::uint64_t old = execution().load(location_);
      execution().store(location_, to_word(value), false);
      return from_word(old);
    }
    return change([&](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    const T old = locked(where, [&](T now) { return same(now, expected) ? desired : now; });
    const bool exchanged = same(old, expected);
    expected = old;
    return exchanged;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success = std::memory_order_seq_cst,
                             std::memory_order failure = std::memory_order_seq_cst, Where where = Where::current()) {
    return compare_exchange_strong(expected, desired, success, failure, where);
  }
  T fetch_add(T by, std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    return locked(where, [&](T now) { return static_cast<T>(now + by); });
  }
  T fetch_sub(T by, std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    return locked(where, [&](T now) { return static_cast<T>(now - by); });
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    return locked(where, [&](T now) { return static_cast<T>(now | bits); });
  }
  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst, Where where = Where::current()) {
    return locked(where, [&](T now) { return static_cast<T>(now & bits); });
  }

  /// The name under which observers of the execution see it.
  void set_name(std::string name) { execution().name(location_, std::move(name)); }

 private:
  static Execution& execution() { return Execution::current(); }
  static std::uint64_t to_word(T value) {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof value);
    return word;
  }
  static T from_word(std::uint64_t word) {
    T value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  static bool same(T a, T b) { return to_word(a) == to_word(b); }
  template <class Change>
  T locked(Where where, Change change_it) {
    execution().passes(where, Site::Kind::read_modify_write);
    return change(change_it);
  }
  template <class Change>
  T change(Change change) {
    return from_word(
        execution().read_modify_write(location_, [&](std::uint64_t old) { return to_word(change(from_word(old))); }));
  }

  mutable Location location_;
};

}  // namespace shadowwalk::simulation
