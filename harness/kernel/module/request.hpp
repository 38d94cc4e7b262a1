// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstdint>

#include "harness/guest/guest.hpp"
#include "harness/kernel/abi.h"
#include "harness/machine/line.hpp"

/// What a request must be before anything is made for it: it comes from user space, and is hostile.
namespace shadowwalk::kernel {

using Why = Line<SHADOWWALK_LINE_BYTES>;

/// An errno (0: none) and the reason in words.
struct Refusal {
  int error = 0;
  Why why;
};

/// The guest of a request whose vCPUs and burst are known to be in range.
GuestConfig guest_of(const shadowwalk_request& request);

/// Whether every field is in its range and suits the others, but for what the kernel decides: CPUs and memory.
Refusal check_request(const shadowwalk_request& request);

}  // namespace shadowwalk::kernel
