#include "workloads/guest/guest_program.hpp"

#include "workloads/guest/produce_accesses.hpp"

#ifdef SHADOWWALK_HAS_GUEST_IMAGE
extern "C" const std::byte shadowwalk_guest_image[];
extern "C" const std::byte shadowwalk_guest_image_end[];
#endif

namespace shadowwalk {
namespace {

std::span<const std::byte> image() {
#ifdef SHADOWWALK_HAS_GUEST_IMAGE
  return {shadowwalk_guest_image, shadowwalk_guest_image_end};
#else
  return {};
#endif
}

}  // namespace

const GuestProgram& guest_program() {
  static const GuestProgram program{
      .produce = [](GuestProgramState& state,
                    std::span<Access> out) { produce_accesses(state, out.data(), out.size()); },
      .image = image()};
  return program;
}

}  // namespace shadowwalk
