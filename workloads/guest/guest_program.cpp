#include "workloads/guest/guest_program.hpp"

#include "harness/guest/guest.hpp"
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

GuestParams one_stream_guest(const AccessStream& stream) {
  GuestParams params;
  params.phase_count = 1;
  params.phases[0].stream_count = 1;
  params.phases[0].streams[0] = stream;
  return params;
}

GuestParams uniform_guest(std::uint64_t pages, std::uint32_t write_percent, std::uint32_t mmio_percent) {
  return one_stream_guest({.write_percent = write_percent, .mmio_percent = mmio_percent, .pages = pages});
}

GuestParams stride_guest(std::uint64_t pages, std::uint64_t stride, std::uint32_t write_percent) {
  return one_stream_guest(
      {.locality = Locality::stride, .write_percent = write_percent, .pages = pages, .stride = stride});
}

GuestParams zipf_guest(std::uint64_t pages, double skew, std::uint32_t write_percent) {
  GuestParams params = one_stream_guest({.locality = Locality::zipf, .write_percent = write_percent, .pages = pages});
  params.zipf = make_zipf_table(pages, skew);
  return params;
}

GuestParams growth_guest(std::uint64_t pages, std::uint32_t write_percent, std::uint32_t first_touch_one_in) {
  return one_stream_guest({.locality = Locality::growth,
                           .write_percent = write_percent,
                           .pages = pages,
                           .first_touch_one_in = first_touch_one_in});
}

GuestParams churn_guest(std::uint64_t pages, std::uint64_t touches, std::uint32_t processes,
                        std::uint32_t write_percent) {
  return one_stream_guest({.locality = Locality::churn,
                           .write_percent = write_percent,
                           .pages = pages,
                           .processes = processes,
                           .touches = touches});
}

}  // namespace shadowwalk
