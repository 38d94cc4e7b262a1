// The entry of the KVM guest's image: produces accesses and makes each, or each burst of them, an exit.
#include "harness/guest/guest_abi.hpp"
#include "workloads/guest/programs.hpp"

namespace shadowwalk {
namespace {

// Chosen by a switch: a table of function pointers would be data to relocate.
void produce(GuestProgramState& state, Access* out, uint64_t count) {
  switch (static_cast<GuestProgramIndex>(state.params.program)) {
    case GuestProgramIndex::mmio_poll:
      return produce_mmio_poll(state, out, count);
    case GuestProgramIndex::demand_fault:
      return produce_demand_fault(state, out, count);
    case GuestProgramIndex::memslot_flip:
      return produce_memslot_flip(state, out, count);
  }
  __builtin_trap();
}

// One plain mov each, which KVM's instruction emulator surely knows; the clobber keeps the ring's stores before it.
void touch(Access access) {
  const uint64_t address = guest_abi::aperture_address(access);
  uint64_t value = 0;
  if (access.kind() == AccessKind::write) {
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
    produce(*state, entries, burst);
    guest_abi::publish(*ring, burst);
    if (burst == 1) {
      touch(entries[0]);
    } else {
      ring_doorbell();
    }
  }
}

}  // namespace shadowwalk
