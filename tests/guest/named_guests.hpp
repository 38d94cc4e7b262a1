#pragma once

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "harness/guest/guest.hpp"
#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk::test {

/// A guest with a name, for parametrized tests.
struct NamedGuest {
  std::string name;
  GuestParams params;
  friend std::ostream& operator<<(std::ostream& out, const NamedGuest& guest) { return out << guest.name; }
};

/// Four streams side by side in one phase, every weight another.
inline GuestParams blend() {
  GuestParams params;
  params.phase_count = 1;
  AccessPhase& phase = params.phases[0];
  phase.stream_count = 4;
  phase.streams[0] = {.weight = 1, .mmio_percent = 100, .first_page = 0, .pages = 10};
  phase.streams[1] = {.weight = 2, .locality = Locality::stride, .first_page = 100, .pages = 100, .stride = 3};
  phase.streams[2] = {.weight = 7,
                      .locality = Locality::zipf,
                      .write_percent = 30,
                      .mmio_percent = 10,
                      .first_page = 1000,
                      .pages = 700};
  phase.streams[3] = {.weight = 10,
                      .locality = Locality::churn,
                      .write_percent = 50,
                      .first_page = 2000,
                      .pages = 20,
                      .processes = 3,
                      .touches = 50};
  params.zipf = make_zipf_table(700, 0.8);
  return params;
}

/// Growth, then a device, then a blend, over and over; no length divides another or a burst.
inline GuestParams three_phases() {
  GuestParams params = blend();
  params.phase_count = 3;
  params.phases[2] = params.phases[0];
  params.phases[2].accesses = 701;
  params.phases[0] = growth_guest(50, 30).phases[0];
  params.phases[0].accesses = 1009;
  params.phases[1] = uniform_guest(16, 0, 100).phases[0];
  params.phases[1].accesses = 307;
  params.phases[1].streams[0].first_page = 1 << 20;
  return params;
}

/// Each locality, and what combines them.
inline std::vector<NamedGuest> every_guest() {
  return {{"mmio_poll", mmio_poll()},
          {"uniform", uniform_ram()},
          {"uniform_mixed", uniform_guest(5000, 30, 20)},
          {"stride", stride_guest(5000, 7, 30)},
          {"zipf", zipf_guest(5000, 1, 30)},
          {"growth", growth_guest(5000, 30)},
          {"churn", churn_guest(300, 500, 3, 30)},
          {"blend", blend()},
          {"three_phases", three_phases()}};
}

inline auto name_of_guest() {
  return [](const testing::TestParamInfo<NamedGuest>& info) { return info.param.name; };
}

/// The next accesses of vCPU `vcpu` of a thread guest.
inline std::vector<Access> accesses_of(const GuestParams& params, std::size_t count, unsigned vcpu = 0) {
  const auto guest = make_guest(config_of(GuestKind::thread, params, 1000, vcpu + 1));
  std::vector<Access> result;
  for (const std::uint64_t word : next_accesses(guest->vcpu(vcpu), count)) result.push_back({word});
  result.resize(count);
  return result;
}

/// Counted from the guest's first page.
inline std::uint64_t page_of(Access access) { return access.gfn() - kBaseGfn; }

/// Six standard deviations of the share that a thing of probability `share` has of `count` independent draws. A
/// stream is fixed by its seed, so that a test passes always or never.
inline double six_sigma(double share, std::size_t count) {
  return 6 * std::sqrt(share * (1 - share) / static_cast<double>(count));
}

}  // namespace shadowwalk::test
