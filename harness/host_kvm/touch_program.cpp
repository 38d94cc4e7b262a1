#include "harness/host_kvm/touch_program.hpp"

extern "C" const std::byte shadowwalk_touch_image[];
extern "C" const std::byte shadowwalk_touch_image_end[];

namespace shadowwalk::host_kvm {

std::span<const std::byte> touch_image() { return {shadowwalk_touch_image, shadowwalk_touch_image_end}; }

}  // namespace shadowwalk::host_kvm
