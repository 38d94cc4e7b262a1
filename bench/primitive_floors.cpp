#include <atomic>
#include <cstdint>

#include "bench/families.hpp"
#include "bench/registration.hpp"
#include "bench/threads.hpp"

namespace shadowwalk::bench {
namespace {

/// A word with the line to itself.
struct alignas(64) Word {
  std::atomic<std::uint32_t> value{0};
};

/// Each thread's own word: what a full barrier by xchg costs when nobody else wants the line.
void xchg(benchmark::State& state) {
  const PinnedThread pinned(static_cast<unsigned>(state.thread_index()));
  Word own;
  while (state.KeepRunningBatch(kBlock)) {
    for (benchmark::IterationCount i = 0; i < kBlock; ++i) own.value.exchange(1, std::memory_order_seq_cst);
  }
  state.SetItemsProcessed(state.iterations());
}

/// One word that all threads share: what its line costs, travelling.
void atomic_inc_shared(benchmark::State& state) {
  static Word shared;
  const PinnedThread pinned(static_cast<unsigned>(state.thread_index()));
  while (state.KeepRunningBatch(kBlock)) {
    for (benchmark::IterationCount i = 0; i < kBlock; ++i) shared.value.fetch_add(1, std::memory_order_seq_cst);
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void register_primitive_floors() {
  with_threads(add("floor/xchg", xchg));
  with_threads(add("floor/atomic_inc_shared", atomic_inc_shared));
}

}  // namespace shadowwalk::bench
