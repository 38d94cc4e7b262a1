#include "harness/probes/probes.hpp"

// All must stand before sys/sdt.h is read for the first time. perf 6.1 drops constant and some memory operands.
#ifdef _SYS_SDT_H
#error "sys/sdt.h was included before its settings"
#endif
#define _SDT_HAS_SEMAPHORES 1
#define STAP_SDT_ARG_CONSTRAINT r
#define SDT_USE_VARIADIC
#include <sys/sdt.h>

#include <array>
#include <atomic>

// The section begins with a line of its own, so that no variable that is written often shares one with a semaphore.
namespace {
[[gnu::section(".probes"), gnu::used]] alignas(64) volatile unsigned char own_line[64] = {};
}
#define SHADOWWALK_DEFINE_SEMAPHORE(name) \
  [[gnu::section(".probes")]] volatile unsigned short shadowwalk_##name##_semaphore = 0;
SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_DEFINE_SEMAPHORE)

namespace shadowwalk::probes {
namespace {

std::atomic<Listener> attached{nullptr};

/// The listener receives 0 for arguments that the probe does not have.
template <class... Arguments>
void notify_listener(Probe probe, Arguments... arguments) noexcept {
  const std::array<std::uint64_t, 4> all{static_cast<std::uint64_t>(arguments)...};
  // relaxed: threads that fire probes start after attach().
  if (const Listener listener = attached.load(std::memory_order_relaxed)) {
    listener(probe, all[0], all[1], all[2], all[3]);
  }
}

/// Fires a probe for tools outside the process, then for the listener inside.
#define SHADOWWALK_FIRE(name, ...)            \
  STAP_PROBEV(shadowwalk, name, __VA_ARGS__); \
  notify_listener(Probe::name, __VA_ARGS__)

/// Atomically: tools count in the same places.
void count_semaphores(unsigned short by) {
#define SHADOWWALK_COUNT_SEMAPHORE(name) __atomic_fetch_add(&shadowwalk_##name##_semaphore, by, __ATOMIC_RELAXED);
  SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_COUNT_SEMAPHORE)
#undef SHADOWWALK_COUNT_SEMAPHORE
}

}  // namespace

void attach(Listener listener) {
  attached.store(listener, std::memory_order_relaxed);
  count_semaphores(1);
}

void detach() {
  count_semaphores(static_cast<unsigned short>(-1));
  attached.store(nullptr, std::memory_order_relaxed);
}

void phase(CellPhase phase, std::int64_t cell, const char* name) noexcept {
  SHADOWWALK_FIRE(phase, static_cast<std::uint64_t>(phase), cell, reinterpret_cast<std::uintptr_t>(name));
}
void zap__start(std::int64_t zapper, std::uint64_t late_ns) noexcept { SHADOWWALK_FIRE(zap__start, zapper, late_ns); }
void zap__done(std::int64_t zapper, std::uint64_t pages, std::uint64_t leaves, std::uint64_t ns) noexcept {
  SHADOWWALK_FIRE(zap__done, zapper, pages, leaves, ns);
}
void zap__empty(std::int64_t zapper, std::uint64_t ns) noexcept { SHADOWWALK_FIRE(zap__empty, zapper, ns); }
void commit__start(std::uint64_t pages) noexcept { SHADOWWALK_FIRE(commit__start, pages); }
void commit__done(std::uint64_t pages, std::uint64_t ns) noexcept { SHADOWWALK_FIRE(commit__done, pages, ns); }
void page__retire(std::uint64_t table, std::uint64_t gfn, std::uint64_t level) noexcept {
  SHADOWWALK_FIRE(page__retire, table, gfn, level);
}
void page__free(std::uint64_t table, std::uint64_t gfn, std::uint64_t level, std::uint64_t ns) noexcept {
  SHADOWWALK_FIRE(page__free, table, gfn, level, ns);
}
void delay__free__pages(std::uint64_t pages) noexcept { SHADOWWALK_FIRE(delay__free__pages, pages); }
void ipi__send(std::uint64_t target, std::uint64_t number) noexcept { SHADOWWALK_FIRE(ipi__send, target, number); }
void ipi__ack(std::uint64_t number) noexcept { SHADOWWALK_FIRE(ipi__ack, number); }
void ipi__done(std::uint64_t sent, std::uint64_t ns) noexcept { SHADOWWALK_FIRE(ipi__done, sent, ns); }
void grace__start(std::uint64_t number) noexcept { SHADOWWALK_FIRE(grace__start, number); }
void grace__done(std::uint64_t number) noexcept { SHADOWWALK_FIRE(grace__done, number); }
void vcpu__entry(std::uint64_t vcpu) noexcept { SHADOWWALK_FIRE(vcpu__entry, vcpu); }
void vcpu__exit(std::uint64_t vcpu, std::uint64_t accesses) noexcept { SHADOWWALK_FIRE(vcpu__exit, vcpu, accesses); }
void vcpu__halt(std::uint64_t vcpu, std::uint64_t ns) noexcept { SHADOWWALK_FIRE(vcpu__halt, vcpu, ns); }
void walker__stall(std::uint64_t ns) noexcept { SHADOWWALK_FIRE(walker__stall, ns); }
void fault(std::uint64_t gfn, std::uint64_t kind, std::uint64_t ns) noexcept { SHADOWWALK_FIRE(fault, gfn, kind, ns); }
void violation(std::uint64_t gfn, std::uint64_t spte, const char* what) noexcept {
  SHADOWWALK_FIRE(violation, gfn, spte, reinterpret_cast<std::uintptr_t>(what));
}

}  // namespace shadowwalk::probes

namespace shadowwalk {

std::string attached_probes() {
  std::string names;
  const auto add = [&names](const char* name) { names.append(names.empty() ? "" : " ").append(name); };
  // The process's own listener is no tool.
  const int ours = probes::attached.load(std::memory_order_relaxed) != nullptr ? 1 : 0;
#define SHADOWWALK_ADD_ATTACHED(name) \
  if (shadowwalk_##name##_semaphore > ours) add(#name);
  SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_ADD_ATTACHED)
#undef SHADOWWALK_ADD_ATTACHED
  return names;
}

}  // namespace shadowwalk
