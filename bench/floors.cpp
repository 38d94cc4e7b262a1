// As in harness/machine/rcu.hpp: the read side inlined, but not under ThreadSanitizer.
#include "harness/machine/sanitizers.hpp"
#if !defined(_LGPL_SOURCE) && !defined(SHADOWWALK_TSAN)
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cstdint>

#include "bench/registration.hpp"
#include "bench/threads.hpp"
#include "harness/host/floors.hpp"
#include "harness/machine/fences.hpp"

namespace shadowwalk::bench {
namespace {

/// Each thread's own word: the cost of a full barrier by xchg without contention for the line.
void xchg(benchmark::State& state) {
  const PinnedThread pinned(static_cast<unsigned>(state.thread_index()));
  host::OwnLine own;
  while (state.KeepRunningBatch(kBlock)) {
    for (benchmark::IterationCount i = 0; i < kBlock; ++i) own.xchg();
  }
  state.SetItemsProcessed(state.iterations());
}

/// One word that all threads share: the cost of moving its line.
void atomic_inc_shared(benchmark::State& state) {
  static host::OwnLine shared;
  const PinnedThread pinned(static_cast<unsigned>(state.thread_index()));
  while (state.KeepRunningBatch(kBlock)) {
    for (benchmark::IterationCount i = 0; i < kBlock; ++i) shared.word.fetch_add(1, std::memory_order_seq_cst);
  }
  state.SetItemsProcessed(state.iterations());
}

/// Linux 3.4's section without lab, variant or machine: the floor below section/rcu-counter.
void rcu_counter_by_hand(benchmark::State& state) {
  alignas(64) static std::atomic<std::uint32_t> reader_counter{0};
  const PinnedThread pinned(static_cast<unsigned>(state.thread_index()));
  urcu_memb_register_thread();
  while (state.KeepRunningBatch(kBlock)) {
    for (benchmark::IterationCount i = 0; i < kBlock; ++i) {
      urcu_memb_read_lock();
      reader_counter.fetch_add(1, std::memory_order_seq_cst);
      full_fence_beside_atomic();
      full_fence_beside_atomic();
      reader_counter.fetch_sub(1, std::memory_order_seq_cst);
      urcu_memb_read_unlock();
    }
  }
  urcu_memb_unregister_thread();
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_floors() {
  with_threads(add("floor/xchg", xchg));
  with_threads(add("floor/atomic_inc_shared", atomic_inc_shared));
  with_threads(add("floor/rcu_counter_by_hand", rcu_counter_by_hand));
}

}  // namespace shadowwalk::bench
