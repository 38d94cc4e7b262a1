#pragma once

#include <stdint.h>  // not <cstdint>: guest programs include this file freestanding

namespace shadowwalk {

/// What a guest program is told at start: copied into the guest's memory, read-only to it by convention.
struct GuestParams {
  uint32_t program = 0;        ///< index into the image's programs; make_guest sets it
  uint32_t vcpu = 0;           ///< 0..vcpus-1; make_guest sets it
  uint64_t seed = 1;           ///< the access stream is a function of (program, seed, vcpu, the fields below)
  uint64_t base_gfn = 0;       ///< first page of the working set
  uint64_t pages = 0;          ///< size of the working set in 4 KiB pages, >= 1; base_gfn + pages <= 2^36
  uint32_t burst = 1;          ///< accesses an exit; make_guest sets it
  uint32_t write_percent = 0;  ///< share of accesses to RAM that write, 0..100
};

/// A program's own memory between bursts.
struct GuestProgramState {
  GuestParams params;
  uint64_t random;    ///< state of the program's random numbers: at start a hash of (seed, vcpu), made by make_guest
  uint64_t position;  ///< how far a program that advances has come: 0 at start
};

}  // namespace shadowwalk
