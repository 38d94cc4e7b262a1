// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// USDT probes of the provider `shadowwalk` (docs/probes.md). Each costs a load and a predicted branch until perf or
/// bpftrace attaches, and no probe fires once per walk.
///
/// Each probe is one function, out of line: perf sees one event, however many callers are inlined, and the arguments
/// are in the registers of the calling convention, which perf's parser knows. A tool that attaches increments the
/// probe's semaphore; SHADOWWALK_PROBE reads it before it evaluates an argument. Names use the spelling of sys/sdt.h:
/// perf and bpftrace show them exactly as here.

// clang-format off
#define SHADOWWALK_FOR_EACH_PROBE(PROBE) \
  PROBE(phase) \
  PROBE(zap__start) \
  PROBE(zap__done) \
  PROBE(zap__empty) \
  PROBE(commit__start) \
  PROBE(commit__done) \
  PROBE(page__retire) \
  PROBE(page__free) \
  PROBE(delay__free__pages) \
  PROBE(ipi__send) \
  PROBE(ipi__ack) \
  PROBE(ipi__done) \
  PROBE(grace__start) \
  PROBE(grace__done) \
  PROBE(vcpu__entry) \
  PROBE(vcpu__exit) \
  PROBE(vcpu__halt) \
  PROBE(walker__stall) \
  PROBE(fault) \
  PROBE(violation)
// clang-format on

#ifdef SHADOWWALK_NO_PROBES
// An environment without a process that tools could attach to: nothing fires, and arguments are only compiled.
#define SHADOWWALK_PROBE_ATTACHED(name) false
#define SHADOWWALK_PROBE(name, ...)                        \
  do {                                                     \
    if (false) ::shadowwalk::probes::unfired(__VA_ARGS__); \
  } while (0)
namespace shadowwalk::probes {
template <class... Arguments>
constexpr void unfired(const Arguments&...) {}
}  // namespace shadowwalk::probes
#else

// The kernel or the tool writes these in the process's memory. A plug-in's code reads those of the program.
#define SHADOWWALK_DECLARE_SEMAPHORE(name) \
  extern "C" [[gnu::visibility("default")]] volatile unsigned short shadowwalk_##name##_semaphore;
SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_DECLARE_SEMAPHORE)
#undef SHADOWWALK_DECLARE_SEMAPHORE

/// Whether a tool is attached to the probe: for values that must be prepared before the probe fires.
#define SHADOWWALK_PROBE_ATTACHED(name) (shadowwalk_##name##_semaphore != 0)

/// Fires the probe; its arguments are evaluated only while a tool is attached.
#define SHADOWWALK_PROBE(name, ...)                   \
  do {                                                \
    if (SHADOWWALK_PROBE_ATTACHED(name)) [[unlikely]] \
      ::shadowwalk::probes::name(__VA_ARGS__);        \
  } while (0)

#endif

namespace shadowwalk {

/// The first argument of `phase`.
enum class CellPhase : std::uint64_t { warmup = 1, measure = 2, drain = 3 };

/// Names of the probes that tools outside the process are attached to now, separated by blanks; empty: none.
std::string attached_probes();

/// The probes, for listeners inside the process.
#define SHADOWWALK_ENUMERATE_PROBE(name) name,
enum class Probe : std::uint16_t { SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_ENUMERATE_PROBE) };
#undef SHADOWWALK_ENUMERATE_PROBE
#define SHADOWWALK_COUNT_PROBE(name) +1
inline constexpr std::size_t kProbes = 0 SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_COUNT_PROBE);
#undef SHADOWWALK_COUNT_PROBE

/// Async-signal-safe, any thread. Times are in ns; at `--instrumentation none` those of commits and frees are 0.
namespace probes {

/// Receives every probe with its arguments (absent ones are 0), on the thread that fires it, also in signal handlers.
using Listener = void (*)(Probe probe, std::uint64_t arg0, std::uint64_t arg1, std::uint64_t arg2,
                          std::uint64_t arg3) noexcept;
/// Attaches a listener inside the process as a tool attaches: it increments the semaphores of all probes, so that a
/// process without a listener pays nothing. Call it before the observed threads start; one listener at a time.
void attach(Listener listener);
/// Call it after the observed threads have ended.
void detach();

/// The cell enters a phase. `cell`: its number in the run's plan, -1 outside a run; `name`: as in the result.
[[gnu::cold]] void phase(CellPhase phase, std::int64_t cell, const char* name) noexcept;

/// The zapper argument of a zap that a vCPU of a replayed trace does on its own thread.
inline constexpr std::int64_t kVcpuItself = -1;

/// A zapper begins a beat, `late_ns` after its intended start. zap__done or zap__empty follows on the same thread.
[[gnu::cold]] void zap__start(std::int64_t zapper, std::uint64_t late_ns) noexcept;
/// The beat unlinked `pages` shadow pages and changed `leaves` SPTEs, at least one of the two not 0, in `ns`.
[[gnu::cold]] void zap__done(std::int64_t zapper, std::uint64_t pages, std::uint64_t leaves, std::uint64_t ns) noexcept;
/// The beat found nothing, in `ns`.
[[gnu::cold]] void zap__empty(std::int64_t zapper, std::uint64_t ns) noexcept;

/// Around the variant's commit() of a batch of `pages`; both on the committing thread, mmu_lock held.
[[gnu::cold]] void commit__start(std::uint64_t pages) noexcept;
[[gnu::cold]] void commit__done(std::uint64_t pages, std::uint64_t ns) noexcept;

/// A shadow page was unlinked. `table`: its table's address, unique among the pages that are alive.
[[gnu::cold]] void page__retire(std::uint64_t table, std::uint64_t gfn, std::uint64_t level) noexcept;
/// It is free, `ns` after it was unlinked.
[[gnu::cold]] void page__free(std::uint64_t table, std::uint64_t gfn, std::uint64_t level, std::uint64_t ns) noexcept;
/// A commit found readers and leaves `pages` to RCU: the kernel's tracepoint kvm_mmu_delay_free_pages.
[[gnu::cold]] void delay__free__pages(std::uint64_t pages) noexcept;

/// An IPI goes to thread `target` as its request `number`.
[[gnu::cold]] void ipi__send(std::uint64_t target, std::uint64_t number) noexcept;
/// The calling thread has acknowledged every request up to `number`: in the signal's handler, or as its gate opened.
[[gnu::cold]] void ipi__ack(std::uint64_t number) noexcept;

/// All targets of the calling thread's flush have acknowledged: `sent` IPIs, `ns` after the first request.
[[gnu::cold]] void ipi__done(std::uint64_t sent, std::uint64_t ns) noexcept;

/// Around RCU's wait for the cell's grace period `number`, from 1; both on the reclaimer's thread.
[[gnu::cold]] void grace__start(std::uint64_t number) noexcept;
[[gnu::cold]] void grace__done(std::uint64_t number) noexcept;

/// A vCPU is in guest mode and enters its guest.
[[gnu::cold]] void vcpu__entry(std::uint64_t vcpu) noexcept;
/// A vCPU left its guest, which produced `accesses` to walk for; 0: it was interrupted.
[[gnu::cold]] void vcpu__exit(std::uint64_t vcpu, std::uint64_t accesses) noexcept;

/// A vCPU's guest halts: it blocks, outside guest mode, for `ns` or until the cell ends.
[[gnu::cold]] void vcpu__halt(std::uint64_t vcpu, std::uint64_t ns) noexcept;
/// A walker paused between two levels for `ns`, as --read-delay or the workload asks.
[[gnu::cold]] void walker__stall(std::uint64_t ns) noexcept;

/// A walk did not serve an access to `gfn`; the fault path took mmu_lock and installed the leaf, after `ns`. `kind`:
/// LeafKind.
[[gnu::cold]] void fault(std::uint64_t gfn, std::uint64_t kind, std::uint64_t ns) noexcept;

/// A walker used `spte`, which came from a freed page. `what`: the finding as text.
[[gnu::cold]] void violation(std::uint64_t gfn, std::uint64_t spte, const char* what) noexcept;

}  // namespace probes
}  // namespace shadowwalk
