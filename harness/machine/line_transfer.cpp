#include "harness/machine/line_transfer.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>

#include "harness/machine/check.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/placement.hpp"

namespace shadowwalk {
namespace {

constexpr unsigned kRoundTrips = 64;  // per batch: two clock reads are < 1 % of it, a context switch spoils only a few
constexpr std::size_t kFewBatches = 16;  // for quartiles to mean something
constexpr std::uint64_t kMostPatienceNs = 1'000'000'000;
// Failed attempts before a waiter checks whether to stop, and yields: far longer than any transfer. No pause before
// that, as it would be measured (140 cycles on some CPUs).
constexpr unsigned kSpins = 1u << 14;

enum class Turn : std::uint32_t { a, b };

/// Two lines per member, as CPUs fetch lines in pairs.
struct Court {
  alignas(128) std::atomic<Turn> turn{Turn::a};
  alignas(128) std::atomic<bool> over{false};
};

/// Passes the line on; false once the measurement is over.
/// Relaxed: nothing but the token itself travels. `over` needs no order either: it must only be seen at some time.
template <class GiveUp>
bool pass(Court& court, Turn mine, Turn theirs, GiveUp give_up) {
  for (unsigned spins = 0;; ++spins) {
    Turn expected = mine;
    if (court.turn.compare_exchange_weak(expected, theirs, std::memory_order_relaxed, std::memory_order_relaxed)) {
      return true;
    }
    if (spins % kSpins == kSpins - 1) {
      if (court.over.load(std::memory_order_relaxed) || give_up()) return false;
      sched_yield();  // the other thread may be waiting for this CPU, or have lost its own
    }
  }
}

/// Thread A: times batches until the budget is spent, and a little longer if there are only a few.
std::vector<double> time_batches(Court& court, std::chrono::nanoseconds budget) {
  const auto budget_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(budget.count(), 0));
  std::vector<double> batches;
  batches.reserve(4096);
  const std::uint64_t start = CycleClock::monotonic_ns();
  const auto elapsed_ns = [&] { return CycleClock::monotonic_ns() - start; };
  const auto out_of_time = [&] {
    return elapsed_ns() > budget_ns + (batches.size() < kFewBatches ? kMostPatienceNs : 0);
  };
  const std::uint64_t warm_up_ns =
      budget_ns / 8;  // until both threads have started, and the CPUs have reached their speed
  while (!out_of_time()) {
    const bool counts = elapsed_ns() >= warm_up_ns;
    const std::uint64_t begin = CycleClock::now();
    for (unsigned i = 0; i < kRoundTrips; ++i) {
      if (!pass(court, Turn::a, Turn::b, out_of_time)) return batches;
    }
    const std::uint64_t end = CycleClock::now();
    if (counts) batches.push_back(CycleClock::to_ns(end - begin));
  }
  return batches;
}

void return_each_pass(Court& court) {
  while (pass(court, Turn::b, Turn::a, [] { return false; })) {
  }
}

/// A thread on `cpu` that runs `body`, then ends the game for the other thread, and keeps what `body` threw.
template <class Body>
std::thread player(unsigned cpu, Court& court, std::exception_ptr& failure, Body body) {
  return std::thread([cpu, &court, &failure, body = std::move(body)] {
    try {
      pin_this_thread(cpu);
      body();
    } catch (...) {
      failure = std::current_exception();
    }
    court.over.store(true, std::memory_order_relaxed);
  });
}

/// The value at a rank between two, by linear interpolation.
double quantile(const std::vector<double>& sorted, double q) {
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - static_cast<double>(below));
}

}  // namespace

LineTransfer summarize_batches(std::vector<double> batch_ns, unsigned round_trips) {
  SHADOWWALK_CHECK(!batch_ns.empty() && round_trips > 0, "a summary of no batches");
  std::sort(batch_ns.begin(), batch_ns.end());
  const double transfers = 2.0 * round_trips;
  return {.median_ns = quantile(batch_ns, 0.5) / transfers,
          .q1_ns = quantile(batch_ns, 0.25) / transfers,
          .q3_ns = quantile(batch_ns, 0.75) / transfers,
          .batches = batch_ns.size()};
}

LineTransfer measure_line_transfer(unsigned cpu_a, unsigned cpu_b, std::chrono::nanoseconds budget) {
  if (cpu_a == cpu_b) throw InputError(fmt::format("line transfer: CPU {} and itself are no pair", cpu_a));
  Court court;
  std::exception_ptr failure_a, failure_b;
  std::vector<double> batches;
  // B's thread first: if A's cannot start, B's must learn that the game is over.
  std::thread b = player(cpu_b, court, failure_b, [&] { return_each_pass(court); });
  try {
    player(cpu_a, court, failure_a, [&] { batches = time_batches(court, budget); }).join();
  } catch (...) {
    failure_a = std::current_exception();
    court.over.store(true, std::memory_order_relaxed);
  }
  b.join();
  for (const std::exception_ptr& failure : {failure_a, failure_b}) {
    if (failure) std::rethrow_exception(failure);
  }
  if (batches.empty()) {
    throw CellError(
        fmt::format("line transfer: CPUs {} and {} are too busy: not one batch ended in time", cpu_a, cpu_b));
  }
  return summarize_batches(std::move(batches), kRoundTrips);
}

}  // namespace shadowwalk
