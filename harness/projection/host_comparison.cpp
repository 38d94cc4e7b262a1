#include "harness/projection/host_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "harness/doctor/topology.hpp"
#include "harness/lab/cell.hpp"
#include "harness/lab/prepared_cell.hpp"
#include "harness/machine/cycle_clock.hpp"
#include "harness/machine/error.hpp"
#include "harness/machine/fences.hpp"
#include "harness/machine/placement.hpp"
#include "harness/mmu/geometry.hpp"
#include "harness/projection/projection.hpp"

namespace shadowwalk::projection {
namespace {

using coherence::Topology;

struct alignas(64) OwnLine {
  std::atomic<std::uint64_t> value{0};
};

constexpr std::uint64_t kOperations = 4096;

/// The time of `operation(i)` in ns, in the fastest of several runs: disturbances only make a run longer.
template <class Operation>
double fastest_ns(Operation operation) {
  constexpr int kRuns = 40;
  std::uint64_t least = ~std::uint64_t{0};
  for (int run = 0; run < kRuns; ++run) {
    const std::uint64_t start = CycleClock::now();
    for (std::uint64_t i = 0; i < kOperations; ++i) operation(i);
    least = std::min(least, CycleClock::now() - start);
  }
  return CycleClock::to_ns(least) / static_cast<double>(kOperations);
}

double locked_ns() {
  OwnLine line;
  return fastest_ns([&](std::uint64_t) { line.value.fetch_add(1, std::memory_order_seq_cst); });
}

double store_ns() {
  OwnLine line;
  return fastest_ns([&](std::uint64_t i) { line.value.store(i, std::memory_order_release); });
}

/// No store comes before each fence, so the store buffer is empty and draining it costs nothing.
double mfence_ns() {
  return fastest_ns([](std::uint64_t) { mfence(); });
}

/// Four levels of entries that name the next table, in few lines, like those of an SPTE walk: `load` and `load_latency`
/// are measured on them.
struct Chain {
  static constexpr std::size_t kTables = 4;
  static constexpr std::size_t kEntries = 64;
  using Table = std::array<std::atomic<std::uintptr_t>, kEntries>;
  std::unique_ptr<std::array<Table, kTables>> tables = std::make_unique<std::array<Table, kTables>>();

  Chain() {
    for (std::size_t level = 0; level < kTables; ++level) {
      for (auto& entry : (*tables)[level]) {
        // Bit 0 as in an SPTE: the walk masks and tests it.
        entry.store(reinterpret_cast<std::uintptr_t>(&(*tables)[(level + 1) % kTables]) | 1, std::memory_order_relaxed);
      }
    }
  }
  static std::uintptr_t step(std::uintptr_t table, std::size_t index) {
    return (*reinterpret_cast<Table*>(table & ~std::uintptr_t{1}))[index].load(std::memory_order_acquire);
  }
};

/// Each load begins where the last one ended.
double load_latency_ns() {
  const Chain chain;
  auto at = reinterpret_cast<std::uintptr_t>(&(*chain.tables)[0]);
  return fastest_ns([&](std::uint64_t i) {
    at = Chain::step(at, i % Chain::kEntries);
    asm volatile("" : : "r"(at));
  });
}

/// Whether a locked operation between two chains of loads makes the second wait for the first: nearer to the sum of
/// their latencies than to the longer of the two.
bool locked_waits_for_loads(double load_latency, double locked) {
  const Chain chain;
  const auto root = reinterpret_cast<std::uintptr_t>(&(*chain.tables)[0]);
  OwnLine line;
  const double ns = fastest_ns([&](std::uint64_t i) {
    std::uintptr_t at = root;
    for (std::size_t level = 0; level < Chain::kTables; ++level) at = Chain::step(at, i % Chain::kEntries);
    asm volatile("" : : "r"(at));
    line.value.fetch_add(1, std::memory_order_seq_cst);
  });
  const double chain_ns = load_latency * Chain::kTables;
  return ns > (std::max(chain_ns, locked) + chain_ns + locked) / 2;
}

/// How long a CPU keeps a line that another wants: two threads that add to one word move its line less than once per
/// addition.
double line_hold_ns(unsigned cpu_a, unsigned cpu_b, double transfer, double locked) {
  OwnLine shared;
  std::atomic<bool> over{false};
  std::future<void> other = std::async(std::launch::async, [&] {
    pin_this_thread(cpu_b);
    while (!over.load(std::memory_order_relaxed)) shared.value.fetch_add(1, std::memory_order_seq_cst);
  });
  std::future<double> timed = std::async(std::launch::async, [&] {
    pin_this_thread(cpu_a);
    constexpr int kBatches = 200;
    std::vector<double> batches;
    for (int batch = 0; batch < kBatches; ++batch) {
      const std::uint64_t start = CycleClock::now();
      for (std::uint64_t i = 0; i < kOperations; ++i) shared.value.fetch_add(1, std::memory_order_seq_cst);
      batches.push_back(CycleClock::to_ns(CycleClock::now() - start) / static_cast<double>(kOperations));
    }
    std::ranges::nth_element(batches, batches.begin() + kBatches / 2);
    return batches[kBatches / 2];
  });
  timed.wait();
  over.store(true, std::memory_order_relaxed);
  other.get();
  const double ns = timed.get();
  // The line is back after two transfers; so many additions were made meanwhile, the first of them as part of its move.
  return std::clamp((2 * transfer / ns - 1) * locked, 0.0, transfer);
}

template <class Rank>
unsigned distinct(const std::vector<HardwareThread>& cpus, Rank rank) {
  std::set<unsigned> found;
  for (const HardwareThread& cpu : cpus) found.insert(rank(cpu));
  return static_cast<unsigned>(found.size());
}

/// The host's shape; a Topology is regular, so an irregular host is rounded down.
void take_shape(const std::vector<HardwareThread>& cpus, Topology& topology) {
  const unsigned sockets = distinct(cpus, [](const HardwareThread& cpu) { return cpu.package; });
  const unsigned llcs = distinct(cpus, [](const HardwareThread& cpu) { return cpu.llc; });
  const unsigned cores = distinct(cpus, [](const HardwareThread& cpu) { return cpu.core; });
  topology.sockets = sockets;
  topology.llcs_per_socket = std::max(1u, llcs / sockets);
  topology.cores_per_llc = std::max(1u, cores / (topology.sockets * topology.llcs_per_socket));
  topology.threads_per_core = std::max(1u, static_cast<unsigned>(cpus.size()) / topology.cores());
}

/// Measures one pair of each tier that the host has; a tier that it lacks costs as much as the one before it.
void measure_transfers(const std::vector<HardwareThread>& cpus, Topology& topology) {
  std::array<std::optional<double>, coherence::kTiers> ns;
  for (std::size_t b = 1; b < cpus.size(); ++b) {
    auto& tier = ns[static_cast<std::size_t>(doctor::tier_of(cpus[0], cpus[b]))];
    if (tier) continue;
    tier = measure_line_transfer(cpus[0].cpu, cpus[b].cpu).median_ns;
    if (topology.line_hold != 0) continue;
    const double locked = coherence::to_ns(topology.costs.locked);
    topology.line_hold = coherence::from_ns(line_hold_ns(cpus[0].cpu, cpus[b].cpu, *tier, locked));
  }
  const auto first = std::ranges::find_if(ns, [](const auto& tier) { return tier.has_value(); });
  double nearer = first == ns.end() ? topology.costs.locked / 1e3 : **first;
  for (std::size_t i = 0; i < ns.size(); ++i) {
    nearer = std::max(nearer, ns[i].value_or(nearer));
    topology.transfer[i] = coherence::from_ns(i < static_cast<std::size_t>(first - ns.begin()) ? **first : nearer);
  }
}

constexpr std::array<std::string_view, 3> kVariants{"leak", "rcu-counter", "irq-ipi"};
using WalkNs = std::array<double, kVariants.size()>;

CellConfig cell_config(std::string_view variant, unsigned vcpus) {
  CellConfig config;
  config.name = variant;
  config.variant = variant;
  config.workload = "mmio-poll";
  config.vcpus = vcpus;
  config.zappers = 0;
  config.instrumentation = Instrumentation::light;
  config.warmup = std::chrono::milliseconds(50);
  config.duration = std::chrono::milliseconds(200);
  return config;
}

double walk_ns(const CellMeasurement& cell) {
  if (cell.walks == 0) throw CellError("no burst of walks began and ended in the window: the host is too busy");
  return cell.walk_ns_total / static_cast<double>(cell.walks);
}

/// The time of a walk of leak divided by its loads. A loop of overlapping loads would be cheaper, since a walk also
/// tests what it has loaded.
double load_ns() { return walk_ns(run_cell(prepare_cell(cell_config("leak", 1)))) / MeasuredGeometry::kLevels; }

double ratio(const WalkNs& ns) { return (ns[1] - ns[0]) / (ns[2] - ns[0]); }

double simulated_ratio(const coherence::Topology& host, unsigned vcpus) {
  WalkNs ns{};
  for (std::size_t i = 0; i < kVariants.size(); ++i) {
    CellConfig config = cell_config(kVariants[i], vcpus);
    config.warmup = std::chrono::microseconds(200);
    config.duration = std::chrono::microseconds(1000);
    ns[i] = walk_ns(projected_variants().at(kVariants[i]).project(config, host).cell);
  }
  return ratio(ns);
}

/// One ratio per round, sorted.
std::vector<double> measured_ratios(unsigned vcpus, unsigned rounds) {
  std::vector<double> ratios;
  for (unsigned round = 0; round < rounds; ++round) {
    WalkNs ns{};
    for (std::size_t i = 0; i < kVariants.size(); ++i)
      ns[i] = walk_ns(run_cell(prepare_cell(cell_config(kVariants[i], vcpus))));
    ratios.push_back(ratio(ns));
  }
  std::ranges::sort(ratios);
  return ratios;
}

}  // namespace

Topology measure_host_topology() {
  if (const std::string reason = why_no_pinning(); !reason.empty()) {
    throw InputError(
        fmt::format("project: this host cannot be measured, since no thread may be pinned ({}); permit the "
                    "system call, or name a topology by --topology and leave out what measures",
                    reason));
  }
  const std::vector<HardwareThread> cpus = allowed_hardware_threads();
  Topology topology;
  topology.name = "host";
  topology.summary = "this host, as it was measured just before";
  topology.source =
      "shape: hwloc; transfers, order, loads (of leak's walk), stores, locked operations, mfence, line hold: measured; "
      "memory, line service, IPIs and "
      "guest "
      "exits: estimates";
  take_shape(cpus, topology);
  const auto measure_on_first_cpu = [&] {
    pin_this_thread(cpus.front().cpu);
    const double latency = load_latency_ns();
    const double locked = locked_ns();
    topology.costs = {.load_latency = coherence::from_ns(latency),
                      .store = coherence::from_ns(store_ns()),
                      .locked = coherence::from_ns(locked),
                      .mfence = coherence::from_ns(mfence_ns()),
                      .locked_waits_for_loads = locked_waits_for_loads(latency, locked)};
  };
  std::async(std::launch::async, measure_on_first_cpu).get();
  topology.costs.load = coherence::from_ns(load_ns());
  measure_transfers(cpus, topology);
  topology.memory = coherence::from_ns(100);
  topology.line_service = coherence::from_ns(10);
  topology.interrupt = {
      .send = coherence::from_ns(300), .deliver = coherence::from_ns(2000), .handle = coherence::from_ns(1000)};
  topology.guest = {.exit = coherence::from_ns(1000), .access = coherence::from_ns(1)};
  return topology;
}

HostComparison compare_with_host(const coherence::Topology& host, unsigned rounds) {
  HostComparison comparison;
  for (const unsigned vcpus : {1u, 2u}) {
    if (vcpus > host.cpus()) {
      comparison.missing = fmt::format("{} vCPUs were not compared: the host has {} CPU", vcpus, host.cpus());
      continue;
    }
    const std::vector<double> measured = measured_ratios(vcpus, rounds);
    comparison.rows.push_back({.vcpus = vcpus,
                               .simulated_ratio = simulated_ratio(host, vcpus),
                               .measured_ratio = measured[measured.size() / 2],
                               .measured_least = measured.front(),
                               .measured_greatest = measured.back()});
  }
  return comparison;
}

}  // namespace shadowwalk::projection
