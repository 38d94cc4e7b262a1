#pragma once

#include <cstddef>
#include <span>

namespace shadowwalk::host_kvm {

/// The flat image of touch_image.cpp: every guest program, with an entry that touches memory.
std::span<const std::byte> touch_image();

}  // namespace shadowwalk::host_kvm
