#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "harness/coherence/execution.hpp"

namespace shadowwalk::coherence {

/// std::atomic on the coherence machine, as compiled for x86: a seq_cst store and each read-modify-write are locked,
/// any other store goes through the store buffer, loads are plain. As large as its value, so that its neighbours in the
/// source are on its line here.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  Atomic(T value = {}) : value_(value) {}  // NOLINT: as std::atomic
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const {
    if (Processor* const cpu = Processor::running()) cpu->load(this);
    return value_;
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    if (Processor* const cpu = Processor::running()) {
      order == std::memory_order_seq_cst ? cpu->locked(this) : cpu->store(this);
    }
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    return change([&](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    const T old = change([&](T now) { return now == expected ? desired : now; });
    const bool exchanged = old == expected;
    expected = old;
    return exchanged;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success = std::memory_order_seq_cst,
                             std::memory_order failure = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  T fetch_add(T by, std::memory_order = std::memory_order_seq_cst) {
    return change([&](T now) { return static_cast<T>(now + by); });
  }
  T fetch_sub(T by, std::memory_order = std::memory_order_seq_cst) {
    return change([&](T now) { return static_cast<T>(now - by); });
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) {
    return change([&](T now) { return static_cast<T>(now | bits); });
  }
  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst) {
    return change([&](T now) { return static_cast<T>(now & bits); });
  }
  /// The value, without an access.
  T peek() const { return value_; }

 private:
  template <class Change>
  T change(Change change) {
    if (Processor* const cpu = Processor::running()) cpu->locked(this);
    const T old = value_;
    value_ = change(old);
    return old;
  }

  T value_;
};

}  // namespace shadowwalk::coherence
