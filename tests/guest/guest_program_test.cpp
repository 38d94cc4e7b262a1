#include <algorithm>
#include <set>

#include "harness/guest/guest_abi.hpp"
#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::accesses_of;
using test::config_of;
using test::every_guest;
using test::NamedGuest;
using test::next_accesses;
using test::page_of;

constexpr std::size_t kProgramAccesses = 100'000;

class EveryGuest : public testing::TestWithParam<NamedGuest> {
 protected:
  static GuestConfig config(unsigned burst = 1000, unsigned vcpus = 1) {
    return config_of(GuestKind::thread, GetParam().params, burst, vcpus);
  }
  static std::vector<std::uint64_t> stream(const GuestConfig& config, unsigned vcpu = 0) {
    auto words = next_accesses(make_guest(config)->vcpu(vcpu), kProgramAccesses);
    words.resize(kProgramAccesses);
    return words;
  }
};

TEST_P(EveryGuest, StreamIsAFunctionOfItsParameters) {
  const auto first = stream(config());
  EXPECT_EQ(first, stream(config()));
  GuestConfig other = config();
  other.params.seed = 43;
  EXPECT_NE(first, stream(other));
  EXPECT_NE(first, stream(config(1000, 2), 1)) << "each vCPU has a stream of its own";
  other = config();
  other.params.idle_us = 5;
  other.params.base_gfn += 3;
  auto moved = stream(other);
  for (std::uint64_t& word : moved) word -= 3 << 2;
  EXPECT_EQ(first, moved) << "neither halting nor where the memory lies changes it";
}

TEST_P(EveryGuest, TheBurstCutsTheStreamAndDoesNotChangeIt) {
  const auto whole = stream(config(65536));
  for (const unsigned burst : {1u, 2u, 77u, 1000u, 4096u}) EXPECT_EQ(stream(config(burst)), whole) << burst;
}

INSTANTIATE_TEST_SUITE_P(All, EveryGuest, testing::ValuesIn(every_guest()), test::name_of_guest());

// The streams of the lab's first workloads, which older results were measured with.
TEST(GuestProgram, TheFirstWorkloadsStreamsAreWhatTheyWere) {
  const auto fingerprint = [](const GuestParams& params) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, a word at a time
    for (const Access access : accesses_of(params, 20'000, 1)) hash = (hash ^ access.word) * 0x100000001b3;
    return hash;
  };
  EXPECT_EQ(fingerprint(test::mmio_poll()), 0xdbe4a250279fda65u);
  EXPECT_EQ(fingerprint(test::uniform_ram()), 0x31b61c2cae41a8eeu);
  EXPECT_EQ(fingerprint(growth_guest(5000, 30)), 0xfa11f9becea29b01u);
}

TEST(GuestProgram, StaysInTheWindowAtItsVeryEnd) {
  for (const GuestParams& params :
       {uniform_guest(3), stride_guest(3, 2), zipf_guest(3, 1), growth_guest(3), churn_guest(1, 5, 3)}) {
    GuestConfig config = config_of(GuestKind::thread, params, 1000);
    config.params.base_gfn = guest_abi::kWindowPages - 3;
    std::set<std::uint64_t> touched;
    for (const std::uint64_t word : next_accesses(make_guest(config)->vcpu(0), 1000)) {
      touched.insert(Access{word}.gfn() - config.params.base_gfn);
    }
    EXPECT_EQ(touched, (std::set<std::uint64_t>{0, 1, 2}));
  }
}

TEST(GuestProgram, NoNumberIsDrawnWhereThereIsNothingToChoose) {
  const auto pages = [](const GuestParams& params) {
    std::vector<std::uint64_t> result;
    for (const Access access : accesses_of(params, 1000)) result.push_back(page_of(access));
    return result;
  };
  const auto reads = pages(uniform_guest(1 << 20));
  EXPECT_EQ(pages(uniform_guest(1 << 20, 100)), reads);
  EXPECT_EQ(pages(uniform_guest(1 << 20, 0, 100)), reads);
  EXPECT_EQ(pages(uniform_guest(1 << 20, 50, 100)), reads);
  EXPECT_NE(pages(uniform_guest(1 << 20, 50)), reads);
}

TEST(GuestProgram, HasBothForms) {
  EXPECT_NE(guest_program().produce, nullptr);
#if defined(__x86_64__)
  EXPECT_FALSE(guest_program().image.empty());
#endif
}

}  // namespace
}  // namespace shadowwalk
