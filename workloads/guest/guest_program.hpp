#pragma once

#include <cstdint>

#include "harness/guest/guest.hpp"
#include "harness/guest/guest_params.hpp"

namespace shadowwalk {

/// The guest program: produce_accesses() in its two forms.
const GuestProgram& guest_program();

// Guests that do one thing for ever: all that most callers need of GuestParams. `pages`: 4 KiB pages of the working
// set, from gfn 0. Shares in percent. make_guest checks all ranges.

/// Each page equally likely.
GuestParams uniform_guest(std::uint64_t pages, std::uint32_t write_percent = 0, std::uint32_t mmio_percent = 0);
/// `stride` pages from one access to the next, wrapping.
GuestParams stride_guest(std::uint64_t pages, std::uint64_t stride, std::uint32_t write_percent = 0);
/// Few pages hot, many cold: rank r with a probability near 1/r^skew. Throws InputError as make_zipf_table does.
GuestParams zipf_guest(std::uint64_t pages, double skew, std::uint32_t write_percent = 0);
/// One access in `first_touch_one_in` is the next new page, the others one of the last `pages`.
GuestParams growth_guest(std::uint64_t pages, std::uint32_t write_percent = 0, std::uint32_t first_touch_one_in = 8);
/// Processes of `pages` pages each come and go (AccessStream::touches).
GuestParams churn_guest(std::uint64_t pages, std::uint64_t touches, std::uint32_t processes,
                        std::uint32_t write_percent = 0);

/// Any other stream, for ever.
GuestParams one_stream_guest(const AccessStream& stream);

}  // namespace shadowwalk
