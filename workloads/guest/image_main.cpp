// The entry of the KVM guest's image: produces accesses and makes each, or each burst of them, an exit.
#include "harness/guest/guest_abi.hpp"
#include "workloads/guest/produce_accesses.hpp"

namespace shadowwalk {
namespace {

// One plain mov per access, which KVM's instruction emulator knows; the clobber keeps the ring's stores before it.
void touch(Access access) {
  const uint64_t address = guest_abi::aperture_address(access);
  uint64_t value = 0;
  if (is_store(access.kind())) {
    asm volatile("mov %0, (%1)" : : "r"(value), "r"(address) : "memory");
  } else {
    asm volatile("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
  }
}

void ring_doorbell() { asm volatile("outb %%al, %0" : : "N"(uint32_t{guest_abi::kDoorbellPort}), "a"(0) : "memory"); }

}  // namespace

extern "C" [[noreturn, gnu::section(".text.start")]] void guest_start(GuestProgramState* state,
                                                                      guest_abi::AccessRingHeader* ring) {
  Access* entries = guest_abi::ring_entries(ring);
  const uint32_t burst = state->params.burst;
  for (;;) {
    produce_accesses(*state, entries, burst);
    guest_abi::publish(*ring, burst, burst_idle_us(*state));
    if (burst == 1) {
      touch(entries[0]);
    } else {
      ring_doorbell();
    }
  }
}

}  // namespace shadowwalk
