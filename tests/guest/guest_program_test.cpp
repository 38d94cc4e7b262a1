#include <algorithm>
#include <set>
#include <unordered_set>

#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::next_accesses;

constexpr std::size_t kAccesses = 200'000;

std::vector<std::uint64_t> stream(const GuestConfig& config, unsigned vcpu = 0) {
  return next_accesses(make_guest(config)->vcpu(vcpu), kAccesses);
}

std::vector<Access> accesses(const GuestConfig& config) {
  std::vector<Access> result;
  for (const std::uint64_t word : stream(config)) result.push_back({word});
  return result;
}

TEST(GuestPrograms, RegistryFindsEachByName) {
  ASSERT_EQ(guest_programs().size(), 3u);
  for (std::uint32_t i = 0; i < guest_programs().size(); ++i) {
    EXPECT_EQ(guest_programs()[i].index, i);
    EXPECT_EQ(find_guest_program(guest_programs()[i].name), &guest_programs()[i]);
  }
  EXPECT_EQ(find_guest_program("mmio-pol"), nullptr);
}

class EveryProgram : public testing::TestWithParam<GuestProgram> {
 protected:
  GuestConfig config(unsigned burst = 1000, unsigned vcpus = 1) const {
    return config_of(GuestKind::thread, GetParam().name, burst, vcpus);
  }
};

TEST_P(EveryProgram, StreamIsAFunctionOfItsParameters) {
  const auto first = stream(config());
  EXPECT_EQ(first, stream(config()));
  EXPECT_EQ(first, stream(config(1))) << "the burst cuts the stream, it does not change it";
  GuestConfig other = config();
  other.params.seed = 43;
  EXPECT_NE(first, stream(other));
  const auto second_vcpu = stream(config(1000, 2), 1);
  EXPECT_NE(first, second_vcpu);
}

TEST_P(EveryProgram, SharesOfWritesAreAsAsked) {
  const bool mmio = GetParam().name == "mmio-poll";
  for (const unsigned percent : {0u, 30u, 100u}) {
    GuestConfig asked = config();
    asked.params.write_percent = percent;
    const auto all = accesses(asked);
    const double writes = std::ranges::count(all, AccessKind::write, &Access::kind);
    const double share = writes / static_cast<double>(all.size());
    // Six standard deviations of 200,000 draws: the stream is fixed, so this passes always or never.
    EXPECT_NEAR(share, mmio ? 0 : percent / 100.0, 0.0062);
    EXPECT_EQ(std::ranges::count(all, AccessKind::mmio, &Access::kind), mmio ? std::ssize(all) : 0);
  }
}

TEST_P(EveryProgram, StaysInTheWindowAtItsVeryEnd) {
  GuestConfig edge = config();
  edge.params.pages = 3;
  edge.params.base_gfn = (std::uint64_t{1} << 36) - 3;
  std::set<std::uint64_t> touched;
  for (const Access access : accesses(edge)) touched.insert(access.gfn() - edge.params.base_gfn);
  EXPECT_EQ(touched, (std::set<std::uint64_t>{0, 1, 2}));
}

INSTANTIATE_TEST_SUITE_P(All, EveryProgram, testing::ValuesIn(guest_programs().begin(), guest_programs().end()),
                         [](const auto& param_info) {
                           std::string name(param_info.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(GuestPrograms, UniformProgramsAreUniform) {
  for (const std::string_view program : {"mmio-poll", "memslot-flip"}) {
    GuestConfig config = config_of(GuestKind::thread, program, 1000);
    constexpr std::uint64_t kPages = 1000;
    config.params.pages = kPages;
    std::vector<double> hits(kPages);
    for (const Access access : accesses(config)) hits.at(access.gfn() - config.params.base_gfn) += 1;
    const double expected = static_cast<double>(kAccesses) / kPages;
    double chi_square = 0;
    for (const double count : hits) chi_square += (count - expected) * (count - expected) / expected;
    // 999 degrees of freedom: mean 999, standard deviation 45; six of them either way.
    EXPECT_NEAR(chi_square, 999, 270) << program;
  }
}

TEST(GuestPrograms, DemandFaultTouchesANewPageInEightAccesses) {
  GuestConfig config = config_of(GuestKind::thread, "demand-fault", 1000);
  config.params.pages = 100;
  std::uint64_t touched = 0;
  std::uint64_t oldest_distance = 0;
  for (const Access access : accesses(config)) {
    const std::uint64_t page = access.gfn() - config.params.base_gfn;
    ASSERT_LE(page, touched) << "first touches come in order";
    if (page == touched) {
      ++touched;
    } else {
      oldest_distance = std::max(oldest_distance, touched - page);
    }
  }
  EXPECT_NEAR(static_cast<double>(touched), kAccesses / 8.0, 890);  // six standard deviations
  EXPECT_EQ(oldest_distance, config.params.pages) << "re-touches reach back over exactly the last `pages`";
}

}  // namespace
}  // namespace shadowwalk
