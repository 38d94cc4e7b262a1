#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "bench/peers/peers.hpp"
#include "bench/registration.hpp"
#include "harness/lab/result_document.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/machine/error.hpp"
#include "harness/plugin/load_plugin.hpp"

namespace shadowwalk::bench {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitBadInput = 2;

constexpr const char* kHelp =
    R"(shadowwalk-bench: what the lab's primitives cost, beside floors without the lab.

  floor/pointer_chase           a walk through a plain radix tree: same accesses, accessor and leaf tests, no scheme
  walk/VARIANT                  a walk, without zaps
  walk/VARIANT/pages:N          over N leaf tables in random order
  peer/LIBRARY/SCHEME           the same walk under a scheme of another library: ck, libcds, std, urcu, xenium
  reclaim/VARIANT/walker:W      50,000 zaps per second beside walkers: unlink to free, pages retired and not freed
  peer-reclaim/LIBRARY/SCHEME/walker:W   the same for peers
  cell/VARIANT/instrumentation:LEVEL   a walk in a cell, including the guest's work and the lab's own measuring
  section/VARIANT               begin() and end() of a read-side section around nothing
  floor/xchg                    a full barrier on an own line           (against section/irq-ipi)
  floor/rcu_counter_by_hand     Linux 3.4's section without the lab     (against section/rcu-counter)
  floor/atomic_inc_shared       one line that all threads write
  commit/VARIANT                commit() of one page, without walks
  zap_all/VARIANT/pages:N       zap-everything of N leaf tables, time of one page
  memory/VARIANT/pages:N        memory of N leaf tables (bytes_over_tables); the time is that of one page's fault
  ipi/signal, ipi/membarrier    interrupting vCPUs in guest mode until all have acknowledged
  project/VARIANT/vcpus:N       a cell on the simulated machine: simulated walks per second (items_per_second)
  kernel/floor/..., kernel/section/VARIANT   primitives and sections in the running kernel (`shadowwalk kernel load`)
  exit/mmio, exit/doorbell      a KVM exit as a cell makes it           (against floor/kvm_run/...)

Times are of one walk, section, commit, page, IPI round or exit. With threads:N each thread is a vCPU on a CPU of its
own, and CPU is the time of one operation on one thread. --plugin=FILE.so (repeatable) adds variants of your own.
scripts/bench-bounds compares subjects with floors, scripts/bench-compare two builds with each other. Exit codes: 0, 1 a benchmark failed, 2 bad input.
)";

bool help_is_asked = false;

/// Google Benchmark calls this for --help, and for an output format that it does not know; then it exits with 0.
void on_help() {
  if (!help_is_asked) {
    std::fprintf(stderr, "shadowwalk-bench: unknown output format; use console, json or csv\n");
    std::exit(kExitBadInput);
  }
  std::puts(kHelp);
  benchmark::PrintDefaultHelp();
}

/// Flags whose value Google Benchmark refuses by itself, in a line of its own.
bool refused_by_library(std::string_view argument) {
  constexpr std::string_view kNumbers[] = {
      "--benchmark_min_time=", "--benchmark_min_warmup_time=", "--benchmark_repetitions=", "--v="};
  return std::any_of(std::begin(kNumbers), std::end(kNumbers),
                     [&](std::string_view flag) { return argument.starts_with(flag); });
}

/// Loads each --plugin=FILE, and removes it from the arguments.
void load_plugins(int& argc, char** argv) {
  constexpr std::string_view kFlag = "--plugin=";
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kFlag)) {
      plugin::load_plugin(argument.substr(kFlag.size()));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
}

int run(int argc, char** argv) {
  register_membarrier();  // before threads start
  help_is_asked = std::any_of(argv + 1, argv + argc, [](std::string_view argument) { return argument == "--help"; });
  load_plugins(argc, argv);
  benchmark::Initialize(&argc, argv, on_help);
  if (argc > 1 && refused_by_library(argv[1])) return kExitBadInput;
  if (argc > 1) {
    std::fprintf(stderr, "shadowwalk-bench: unknown option '%s'; try 'shadowwalk-bench --help'\n", argv[1]);
    return kExitBadInput;
  }
  for (const auto& [name, value] : result_context()) benchmark::AddCustomContext(name, value);
  for (const Peer& peer : peers()) {  // those that this build lacks; their benchmarks give the same reason
    if (!peer.absent.empty()) benchmark::AddCustomContext("absent_" + peer.variant_name(), peer.absent);
  }
  register_floors();
  register_walks();
  register_reclaims();
  register_cells();
  register_sections();
  register_commits();
  register_zap_alls();
  register_memory();
  register_ipis();
  register_exits();
  register_kernel();
  register_projections();
  const std::size_t matched = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (matched == 0) return kExitBadInput;  // Google Benchmark has said why
  return any_failed ? kExitFailed : 0;
}

}  // namespace
}  // namespace shadowwalk::bench

int main(int argc, char** argv) {
  try {
    return shadowwalk::bench::run(argc, argv);
  } catch (const shadowwalk::InputError& error) {
    std::fprintf(stderr, "shadowwalk-bench: %s\n", error.what());
    return shadowwalk::bench::kExitBadInput;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shadowwalk-bench: %s\n", error.what());
    return shadowwalk::bench::kExitFailed;
  }
}
