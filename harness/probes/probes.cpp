#include "harness/probes/probes.hpp"

// Both must stand before sys/sdt.h is read for the first time. perf 6.1 drops constant and some memory operands.
#ifdef _SYS_SDT_H
#error "sys/sdt.h was included before its settings"
#endif
#define _SDT_HAS_SEMAPHORES 1
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

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

void notify_listener(Probe probe, std::uint64_t arg0, std::uint64_t arg1 = 0, std::uint64_t arg2 = 0,
                     std::uint64_t arg3 = 0) noexcept {
  // relaxed: threads that fire probes start after attach().
  if (const Listener listener = attached.load(std::memory_order_relaxed)) listener(probe, arg0, arg1, arg2, arg3);
}

/// Atomically: tools count in the same places.
void count_semaphores(unsigned short by) {
#define SHADOWWALK_COUNT_SEMAPHORE(name) __atomic_fetch_add(&shadowwalk_##name##_semaphore, by, __ATOMIC_RELAXED);
  SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_COUNT_SEMAPHORE)
#undef SHADOWWALK_COUNT_SEMAPHORE
}

bool is_attached() { return attached.load(std::memory_order_relaxed) != nullptr; }

}  // namespace

void attach(Listener listener) {
  attached.store(listener, std::memory_order_relaxed);
  count_semaphores(1);
}

void detach() {
  count_semaphores(static_cast<unsigned short>(-1));
  attached.store(nullptr, std::memory_order_relaxed);
}

}  // namespace shadowwalk::probes

namespace shadowwalk {

std::string attached_probes() {
  std::string names;
  const auto add = [&names](const char* name) { names.append(names.empty() ? "" : " ").append(name); };
  const int ours = probes::is_attached() ? 1 : 0;  // the process's own listener is no tool
#define SHADOWWALK_ADD_ATTACHED(name) \
  if (shadowwalk_##name##_semaphore > ours) add(#name);
  SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_ADD_ATTACHED)
#undef SHADOWWALK_ADD_ATTACHED
  return names;
}

}  // namespace shadowwalk

namespace shadowwalk::probes {

void phase(CellPhase phase, std::int64_t cell, const char* name) noexcept {
  STAP_PROBE3(shadowwalk, phase, static_cast<std::uint64_t>(phase), cell, reinterpret_cast<std::uintptr_t>(name));
  notify_listener(Probe::phase, static_cast<std::uint64_t>(phase), static_cast<std::uint64_t>(cell),
                  reinterpret_cast<std::uintptr_t>(name));
}

void zap__start(std::int64_t zapper, std::uint64_t late_ns) noexcept {
  STAP_PROBE2(shadowwalk, zap__start, zapper, late_ns);
  notify_listener(Probe::zap__start, static_cast<std::uint64_t>(zapper), late_ns);
}

void zap__done(std::int64_t zapper, std::uint64_t pages, std::uint64_t leaves, std::uint64_t ns) noexcept {
  STAP_PROBE4(shadowwalk, zap__done, zapper, pages, leaves, ns);
  notify_listener(Probe::zap__done, static_cast<std::uint64_t>(zapper), pages, leaves, ns);
}

void zap__empty(std::int64_t zapper, std::uint64_t ns) noexcept {
  STAP_PROBE2(shadowwalk, zap__empty, zapper, ns);
  notify_listener(Probe::zap__empty, static_cast<std::uint64_t>(zapper), ns);
}

void commit__start(std::uint64_t pages) noexcept {
  STAP_PROBE1(shadowwalk, commit__start, pages);
  notify_listener(Probe::commit__start, pages);
}

void commit__done(std::uint64_t pages, std::uint64_t ns) noexcept {
  STAP_PROBE2(shadowwalk, commit__done, pages, ns);
  notify_listener(Probe::commit__done, pages, ns);
}

void page__retire(std::uint64_t table, std::uint64_t gfn, std::uint64_t level) noexcept {
  STAP_PROBE3(shadowwalk, page__retire, table, gfn, level);
  notify_listener(Probe::page__retire, table, gfn, level);
}

void page__free(std::uint64_t table, std::uint64_t gfn, std::uint64_t level, std::uint64_t ns) noexcept {
  STAP_PROBE4(shadowwalk, page__free, table, gfn, level, ns);
  notify_listener(Probe::page__free, table, gfn, level, ns);
}

void delay__free__pages(std::uint64_t pages) noexcept {
  STAP_PROBE1(shadowwalk, delay__free__pages, pages);
  notify_listener(Probe::delay__free__pages, pages);
}

void ipi__send(std::uint64_t target, std::uint64_t number) noexcept {
  STAP_PROBE2(shadowwalk, ipi__send, target, number);
  notify_listener(Probe::ipi__send, target, number);
}

void ipi__ack(std::uint64_t number) noexcept {
  STAP_PROBE1(shadowwalk, ipi__ack, number);
  notify_listener(Probe::ipi__ack, number);
}

void ipi__done(std::uint64_t sent, std::uint64_t ns) noexcept {
  STAP_PROBE2(shadowwalk, ipi__done, sent, ns);
  notify_listener(Probe::ipi__done, sent, ns);
}

void grace__start(std::uint64_t number) noexcept {
  STAP_PROBE1(shadowwalk, grace__start, number);
  notify_listener(Probe::grace__start, number);
}

void grace__done(std::uint64_t number) noexcept {
  STAP_PROBE1(shadowwalk, grace__done, number);
  notify_listener(Probe::grace__done, number);
}

void vcpu__entry(std::uint64_t vcpu) noexcept {
  STAP_PROBE1(shadowwalk, vcpu__entry, vcpu);
  notify_listener(Probe::vcpu__entry, vcpu);
}

void vcpu__exit(std::uint64_t vcpu, std::uint64_t accesses) noexcept {
  STAP_PROBE2(shadowwalk, vcpu__exit, vcpu, accesses);
  notify_listener(Probe::vcpu__exit, vcpu, accesses);
}

void vcpu__halt(std::uint64_t vcpu, std::uint64_t ns) noexcept {
  STAP_PROBE2(shadowwalk, vcpu__halt, vcpu, ns);
  notify_listener(Probe::vcpu__halt, vcpu, ns);
}

void walker__stall(std::uint64_t ns) noexcept {
  STAP_PROBE1(shadowwalk, walker__stall, ns);
  notify_listener(Probe::walker__stall, ns);
}

void fault(std::uint64_t gfn, std::uint64_t kind, std::uint64_t ns) noexcept {
  STAP_PROBE3(shadowwalk, fault, gfn, kind, ns);
  notify_listener(Probe::fault, gfn, kind, ns);
}

void violation(std::uint64_t gfn, std::uint64_t spte, const char* what) noexcept {
  STAP_PROBE3(shadowwalk, violation, gfn, spte, reinterpret_cast<std::uintptr_t>(what));
  notify_listener(Probe::violation, gfn, spte, reinterpret_cast<std::uintptr_t>(what));
}

}  // namespace shadowwalk::probes
