#include "harness/attach/probes.hpp"

// Both must stand before sys/sdt.h is read for the first time. perf 6.1 drops constant and some memory operands.
#ifdef _SYS_SDT_H
#error "sys/sdt.h was included before its settings"
#endif
#define _SDT_HAS_SEMAPHORES 1
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

// The section begins with a line of its own, so that no variable that is written often shares one with a semaphore.
namespace {
[[gnu::section(".probes"), gnu::used]] alignas(64) volatile unsigned char own_line[64] = {};
}
#define SHADOWWALK_DEFINE_SEMAPHORE(name) \
  [[gnu::section(".probes")]] volatile unsigned short shadowwalk_##name##_semaphore = 0;
SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_DEFINE_SEMAPHORE)

namespace shadowwalk {

std::string attached_probes() {
  std::string names;
  const auto add = [&names](const char* name) { names.append(names.empty() ? "" : " ").append(name); };
#define SHADOWWALK_ADD_ATTACHED(name) \
  if (SHADOWWALK_PROBE_ATTACHED(name)) add(#name);
  SHADOWWALK_FOR_EACH_PROBE(SHADOWWALK_ADD_ATTACHED)
#undef SHADOWWALK_ADD_ATTACHED
  return names;
}

}  // namespace shadowwalk

namespace shadowwalk::probes {

void phase(CellPhase phase, std::int64_t cell, const char* name) noexcept {
  STAP_PROBE3(shadowwalk, phase, static_cast<std::uint64_t>(phase), cell, reinterpret_cast<std::uintptr_t>(name));
}

void zap__start(std::int64_t zapper, std::uint64_t late_ns) noexcept {
  STAP_PROBE2(shadowwalk, zap__start, zapper, late_ns);
}

void zap__done(std::int64_t zapper, std::uint64_t pages, std::uint64_t leaves, std::uint64_t ns) noexcept {
  STAP_PROBE4(shadowwalk, zap__done, zapper, pages, leaves, ns);
}

void zap__empty(std::int64_t zapper, std::uint64_t ns) noexcept { STAP_PROBE2(shadowwalk, zap__empty, zapper, ns); }

void commit__start(std::uint64_t pages) noexcept { STAP_PROBE1(shadowwalk, commit__start, pages); }

void commit__done(std::uint64_t pages, std::uint64_t ns) noexcept { STAP_PROBE2(shadowwalk, commit__done, pages, ns); }

void page__retire(std::uint64_t table, std::uint64_t gfn, std::uint64_t level) noexcept {
  STAP_PROBE3(shadowwalk, page__retire, table, gfn, level);
}

void page__free(std::uint64_t table, std::uint64_t gfn, std::uint64_t level, std::uint64_t ns) noexcept {
  STAP_PROBE4(shadowwalk, page__free, table, gfn, level, ns);
}

void delay__free__pages(std::uint64_t pages) noexcept { STAP_PROBE1(shadowwalk, delay__free__pages, pages); }

void ipi__send(std::uint64_t target, std::uint64_t number) noexcept {
  STAP_PROBE2(shadowwalk, ipi__send, target, number);
}

void ipi__ack(std::uint64_t number) noexcept { STAP_PROBE1(shadowwalk, ipi__ack, number); }

void vcpu__exit(std::uint64_t vcpu, std::uint64_t accesses) noexcept {
  STAP_PROBE2(shadowwalk, vcpu__exit, vcpu, accesses);
}

void fault(std::uint64_t gfn, std::uint64_t kind, std::uint64_t ns) noexcept {
  STAP_PROBE3(shadowwalk, fault, gfn, kind, ns);
}

void violation(std::uint64_t gfn, std::uint64_t spte, const char* what) noexcept {
  STAP_PROBE3(shadowwalk, violation, gfn, spte, reinterpret_cast<std::uintptr_t>(what));
}

}  // namespace shadowwalk::probes
