#pragma once

#include <memory>

#include "harness/kernel/abi.h"
#include "harness/lab/prepared_cell.hpp"

namespace shadowwalk::kernel {

/// A prepared cell as the module takes it. Its CPUs are those that the placement deals. Throws InputError for what no
/// kernel can honour; the rest the module refuses itself. Pure.
std::unique_ptr<shadowwalk_request> to_request(const PreparedCell& cell);

}  // namespace shadowwalk::kernel
