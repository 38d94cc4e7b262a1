#pragma once

#include <stdint.h>

#include "harness/guest/access.hpp"
#include "harness/guest/guest_params.hpp"

/// The guest programs: each writes its next `count` accesses to `out`. Freestanding code: this directory's programs are
/// compiled once for the KVM guest's image and once for the host, and must give the same stream in both.
namespace shadowwalk {

using ProduceFunction = void(GuestProgramState& state, Access* out, uint64_t count);

ProduceFunction produce_mmio_poll;
ProduceFunction produce_demand_fault;
ProduceFunction produce_memslot_flip;

/// Their numbers in the image (GuestParams::program).
enum class GuestProgramIndex : uint32_t { mmio_poll = 0, demand_fault = 1, memslot_flip = 2 };

}  // namespace shadowwalk
