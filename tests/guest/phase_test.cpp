#include <algorithm>

#include "harness/guest/guest_abi.hpp"
#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::accesses_of;
using test::config_of;
using test::next_accesses;
using test::page_of;
using test::six_sigma;

constexpr std::uint64_t kPhasePages = 10;

/// One stream a phase, each with kPhasePages pages of its own that no other phase touches: phase i those from i *
/// kPhasePages on.
GuestParams phases_of(const std::vector<std::uint64_t>& accesses) {
  GuestParams params;
  for (const std::uint64_t count : accesses) {
    AccessPhase& phase = params.phases[params.phase_count];
    phase.accesses = count;
    phase.stream_count = 1;
    phase.streams[0] = {.write_percent = 30, .first_page = params.phase_count * kPhasePages, .pages = kPhasePages};
    ++params.phase_count;
  }
  return params;
}

TEST(Phases, FollowEachOtherExactlyAndBeginAgain) {
  const std::vector<std::uint64_t> lengths{100, 1, 333, 4};
  for (const unsigned burst : {1u, 3u, 100u, 438u, 1000u}) {
    SCOPED_TRACE(testing::Message() << "burst " << burst);
    const auto guest = make_guest(config_of(GuestKind::thread, phases_of(lengths), burst));
    const auto words = next_accesses(guest->vcpu(0), 5000);
    std::size_t i = 0;
    for (std::size_t phase = 0; i < 4000; phase = (phase + 1) % lengths.size()) {
      for (const std::size_t end = i + lengths[phase]; i < end; ++i) {
        ASSERT_EQ(page_of(Access{words[i]}) / kPhasePages, phase) << "access " << i;
      }
    }
  }
}

TEST(Phases, TheLastMayLastForEver) {
  const auto accesses = accesses_of(phases_of({100, 20, 0}), 100'000);
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    ASSERT_EQ(page_of(accesses[i]) / kPhasePages, i < 100 ? 0 : i < 120 ? 1 : 2) << "access " << i;
  }
}

TEST(Phases, StreamsGoOnWhereTheyWere) {
  GuestParams params = stride_guest(1 << 20, 1);
  params.phases[0].accesses = 100;
  params.phase_count = 2;
  params.phases[1] = growth_guest(50, 0, /*first_touch_one_in=*/1).phases[0];
  params.phases[1].accesses = 10;
  params.phases[1].streams[0].first_page = 1 << 20;
  const auto accesses = accesses_of(params, 1100);
  for (std::size_t i = 0, strides = 0, touches = 0; i < accesses.size(); ++i) {
    if (i % 110 < 100) {
      ASSERT_EQ(page_of(accesses[i]), (page_of(accesses[0]) + strides++) % (1 << 20));
    } else {
      ASSERT_EQ(page_of(accesses[i]), (1 << 20) + touches++);
    }
  }
}

TEST(Phases, StreamsShareAPhaseByTheirWeights) {
  constexpr std::size_t kAccesses = 200'000;
  GuestParams params;
  params.phase_count = 1;
  params.phases[0].stream_count = 4;
  const unsigned weights[] = {1, 20, 300, 10'000};
  for (unsigned i = 0; i < 4; ++i) {
    params.phases[0].streams[i] = {.weight = weights[i], .first_page = i * kPhasePages, .pages = kPhasePages};
  }
  double counts[4] = {};
  for (const Access access : accesses_of(params, kAccesses)) counts[page_of(access) / kPhasePages] += 1;
  for (unsigned i = 0; i < 4; ++i) {
    const double share = weights[i] / 10'321.0;
    EXPECT_NEAR(counts[i] / kAccesses, share, six_sigma(share, kAccesses)) << "stream " << i;
  }
}

TEST(Phases, EachStreamOfABlendIsWhatItIsAlone) {
  std::vector<std::uint64_t> strided;
  std::vector<Access> churned;
  std::vector<std::uint64_t> polled;
  const auto accesses = accesses_of(test::blend(), 100'000);
  for (const Access access : accesses) {
    const std::uint64_t page = page_of(access);
    if (page < 10) {
      polled.push_back(access.word);
    } else if (page < 200) {
      strided.push_back(page - 100);
    } else if (page >= 2000) {
      churned.push_back(access);
    }
  }
  const double share = static_cast<double>(polled.size()) / 100'000;
  EXPECT_NEAR(share, 0.05, six_sigma(0.05, 100'000));
  const auto alone = accesses_of(one_stream_guest(test::blend().phases[0].streams[0]), polled.size());
  for (std::size_t i = 0; i < polled.size(); ++i) ASSERT_EQ(polled[i], alone[i].word) << "access " << i;
  ASSERT_GT(strided.size(), 1000u);
  for (std::size_t i = 1; i < strided.size(); ++i) ASSERT_EQ(strided[i], (strided[i - 1] + 3) % 100);
  ASSERT_GT(churned.size(), 1000u);
  for (std::size_t i = 0; i < churned.size(); ++i) {
    const std::size_t in_life = i % 140;  // 50 touches and 20 entries, twice
    const bool entry = in_life % 70 >= 50;
    ASSERT_EQ(churned[i].kind() == AccessKind::page_table_write, entry);
    ASSERT_EQ((page_of(churned[i]) - 2000) / 20, i / 140 % 3);
    if (entry) {
      ASSERT_EQ((page_of(churned[i]) - 2000) % 20, in_life % 70 - 50);
    }
  }
}

class Idle : public testing::TestWithParam<GuestKind> {
 protected:
  void SetUp() override {
    if (GetParam() == GuestKind::kvm) SHADOWWALK_NEED_KVM();
  }
};

// A burst belongs to the phase of its last access.
TEST_P(Idle, IsThatOfTheBurstsPhaseAndOfTheGuest) {
  GuestParams params = phases_of({30, 12, 0});
  params.idle_us = 5;
  params.phases[0].idle_us = 100;
  params.phases[2].idle_us = guest_abi::kMaxIdleUs - 5;
  for (const unsigned burst : {1u, 3u, 10u, 20u}) {
    SCOPED_TRACE(testing::Message() << "burst " << burst);
    const auto guest = make_guest(config_of(GetParam(), params, burst));
    GuestVcpu& vcpu = guest->vcpu(0);
    EXPECT_EQ(vcpu.idle_us(), 0u) << "nothing has run yet";
    for (std::size_t end = burst; end <= 60; end += burst) {
      while (vcpu.enter().empty()) {
      }
      EXPECT_EQ(vcpu.idle_us(), end <= 30 ? 105u : end <= 42 ? 5u : guest_abi::kMaxIdleUs) << "after access " << end;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Idle, testing::Values(GuestKind::thread, GuestKind::kvm),
                         [](const auto& param_info) { return param_info.param == GuestKind::kvm ? "kvm" : "thread"; });

}  // namespace
}  // namespace shadowwalk
