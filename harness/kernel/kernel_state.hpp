#pragma once

#include <filesystem>

#include "harness/doctor/live_facts.hpp"

namespace shadowwalk::kernel {

/// What is there for cells in a kernel and what is missing: `shadowwalk kernel status` and `shadowwalk doctor` print
/// it. `source` holds the module's Makefile; `kernels` is where scripts/fetch-kernels puts kernels, and need not exist.
/// Builds and loads nothing; takes some 100 ms. Throws nothing: what cannot be found out is its own reason.
doctor::LiveFacts::KernelCells observe_kernel_cells(const std::filesystem::path& source,
                                                    const std::filesystem::path& kernels);

}  // namespace shadowwalk::kernel
