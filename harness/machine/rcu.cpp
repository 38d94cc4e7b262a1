#include "harness/machine/rcu.hpp"

#include <algorithm>

#include "harness/machine/backoff.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/probes/probes.hpp"

#ifdef SHADOWWALK_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace shadowwalk {

#ifdef SHADOWWALK_TSAN
namespace {
char tsan_grace_period;
}
void Rcu::announce_section_end_to_tsan() { __tsan_release(&tsan_grace_period); }
void Rcu::announce_grace_period_to_tsan() { __tsan_acquire(&tsan_grace_period); }
#else
void Rcu::announce_grace_period_to_tsan() {}
#endif

Rcu::Rcu(const Options& options) : options_(options), thread_([this] { reclaim(); }) {
  Backoff starting;
  while (cpu_.tid() == 0) starting.wait();  // from here on it can be found by its name
}

Rcu::~Rcu() {
  stop_.store(true, std::memory_order_release);  // pairs with the acquire in reclaim()
  queued_.fetch_add(1, std::memory_order_release);
  queued_.notify_one();
  thread_.join();
}

void Rcu::call(RcuHead& head, void (*func)(RcuHead*, void*), void* context) {
  head.func = func;
  head.context = context;
  // Counted before it is pushed: `run_` may not count a callback that barrier() has not counted, or it would reach a
  // barrier's target while that barrier's own callback is still queued.
  queued_.fetch_add(1, std::memory_order_relaxed);
  head.next = queue_.load(std::memory_order_relaxed);
  // release: the head's fields, the caller's unlink and the count come before; pairs with the exchange in reclaim().
  // acquire: a thread whose callback ran before ours had counted it first, and our barrier() sees that count.
  while (!queue_.compare_exchange_weak(head.next, &head, std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
  queued_.notify_one();  // a system call only if the reclaimer sleeps
}

void Rcu::barrier() {
  const std::uint64_t target = queued_.load(std::memory_order_relaxed);
  std::uint64_t run = run_.load(std::memory_order_acquire);  // pairs with the release in reclaim(): callbacks are done
  while (run < target) {
    run_.wait(run, std::memory_order_acquire);
    run = run_.load(std::memory_order_acquire);
  }
}

void Rcu::wait_for_grace_period(void (*wait_for_other)()) {
  const std::uint64_t number = begun_.fetch_add(1, std::memory_order_relaxed) + 1;
  SHADOWWALK_PROBE(grace__start, number);
  const std::uint64_t began = options_.observer == nullptr ? 0 : CycleClock::now();
  if (wait_for_other != nullptr) wait_for_other();
  urcu_memb_synchronize_rcu();  // the sections are liburcu's, and nobody else waits for them
  announce_grace_period_to_tsan();
  if (options_.observer != nullptr) options_.observer->on_grace_period(began, CycleClock::now());
  grace_periods_.fetch_add(1, std::memory_order_relaxed);
  SHADOWWALK_PROBE(grace__done, number);
}

void Rcu::wait_for_interval() {
  if (options_.interval.count() == 0) return;
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  const auto ticks = elapsed / options_.interval + 1;
  const auto wake_at = start_ + ticks * options_.interval;
  // Sleeping in slices lets the destructor through without a second wake-up path.
  while (!stop_.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < wake_at) {
    std::this_thread::sleep_until(std::min(wake_at, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)));
  }
}

void Rcu::reclaim() {
  if (options_.on_thread_start != nullptr) options_.on_thread_start(options_.context);
  cpu_.bind("reclaim-0");
  std::uint64_t done = 0;
  Backoff counted_not_pushed;
  for (;;) {
    std::uint64_t queued = queued_.load(std::memory_order_acquire);
    while (queued == done) {
      queued_.wait(queued, std::memory_order_acquire);
      queued = queued_.load(std::memory_order_acquire);
    }
    wait_for_interval();
    // Read before the queue: what was queued before the destructor must be seen by the last exchange of the queue.
    const bool stopping = stop_.load(std::memory_order_acquire);
    // acquire pairs with the release push: all that the callback will touch is visible. release: see call().
    RcuHead* head = queue_.exchange(nullptr, std::memory_order_acq_rel);
    if (head == nullptr) {
      if (stopping) break;
      counted_not_pushed.wait();
      continue;
    }
    counted_not_pushed = Backoff();
    wait_for_grace_period(options_.wait_for_other);

    RcuHead* oldest = nullptr;
    while (head != nullptr) {
      RcuHead* next = head->next;
      head->next = oldest;
      oldest = head;
      head = next;
    }
    while (oldest != nullptr) {
      RcuHead* next = oldest->next;  // the callback frees what embeds the head
      oldest->func(oldest, oldest->context);
      oldest = next;
      ++done;
    }
    run_.store(done, std::memory_order_release);  // pairs with barrier()'s acquire
    run_.notify_all();
  }
  cpu_.unbind();
}

}  // namespace shadowwalk
