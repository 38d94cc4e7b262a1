#include <atomic>

#include "harness/measure/footprint.hpp"

namespace shadowwalk {

std::size_t number_of_this_freer() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % FootprintCounters::kFreers;
  return mine;
}

}  // namespace shadowwalk
