#include "workloads/guest/registry.hpp"

#include <array>

#include "workloads/guest/programs.hpp"

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

template <ProduceFunction produce>
GuestProgram program(std::string_view name, GuestProgramIndex index) {
  return {.name = name,
          .index = static_cast<std::uint32_t>(index),
          .produce = [](GuestProgramState& state, std::span<Access> out) { produce(state, out.data(), out.size()); },
          .image = image()};
}

}  // namespace

std::span<const GuestProgram> guest_programs() {
  static const std::array programs{
      program<produce_mmio_poll>("mmio-poll", GuestProgramIndex::mmio_poll),
      program<produce_demand_fault>("demand-fault", GuestProgramIndex::demand_fault),
      program<produce_memslot_flip>("memslot-flip", GuestProgramIndex::memslot_flip),
  };
  return programs;
}

const GuestProgram* find_guest_program(std::string_view name) {
  for (const GuestProgram& candidate : guest_programs()) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

}  // namespace shadowwalk
