// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include <cstddef>
#include <string_view>

#include "harness/kernel/module/engine.hpp"
#include "harness/kernel/needs_mutex.hpp"

namespace shadowwalk::kernel {

// Made of cmake/Variants.cmake by make-shelf.
extern const KernelVariant* const shelf_rows[];
extern const std::size_t shelf_rows_count;

std::string_view KernelVariant::why_not() const {
  if (info.name != "srcu-kernel-fast" || swk_has_srcu_fast() != 0) return {};
  return "this kernel has no srcu_read_lock_fast(), which came with Linux 6.15";
}

std::string_view KernelVariant::needs_mutex() const { return why_needs_mutex(info.name); }

const KernelVariant& variant(std::size_t index) { return *shelf_rows[index]; }
std::size_t shelf_size() { return shelf_rows_count; }

}  // namespace shadowwalk::kernel
