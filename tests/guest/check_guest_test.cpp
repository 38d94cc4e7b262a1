#include "harness/guest/guest.hpp"
#include "harness/guest/guest_abi.hpp"
#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::config_of;
using test::refusal;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint64_t kWindow = guest_abi::kWindowPages;
constexpr std::uint64_t kHuge = ~std::uint64_t{0};

/// What make_guest says of `params` with the fields of its first stream that `change` sets; at gfn 0.
template <typename Change>
std::string with_stream(GuestParams params, Change change) {
  change(params.phases[0].streams[0]);
  GuestConfig config = config_of(GuestKind::thread, params, 1);
  config.params.base_gfn = 0;
  return refusal(config);
}

template <typename Change>
std::string with_params(Change change) {
  GuestConfig config = config_of(GuestKind::thread, test::three_phases(), 1);
  change(config.params);
  return refusal(config);
}

TEST(CheckGuest, AcceptsWhatTheTestsRun) {
  for (const auto& guest : test::every_guest()) {
    EXPECT_EQ(refusal(config_of(GuestKind::thread, guest.params, 1)), "accepted") << guest;
  }
}

TEST(CheckGuest, RefusesVcpusAndBurstsOutOfRange) {
  const auto with = [](unsigned vcpus, unsigned burst) {
    return refusal(config_of(GuestKind::thread, test::mmio_poll(), burst, vcpus));
  };
  EXPECT_EQ(with(1024, 1), "accepted");
  EXPECT_EQ(with(1, 65536), "accepted");
  EXPECT_THAT(with(0, 1), HasSubstr("guest: 0 vCPUs: choose 1..1024"));
  EXPECT_THAT(with(1025, 1), HasSubstr("1025 vCPUs"));
  EXPECT_THAT(with(1, 0), HasSubstr("guest: 0 accesses an exit: choose 1..65536"));
  EXPECT_THAT(with(1, 65537), HasSubstr("65537 accesses"));
}

TEST(CheckGuest, RefusesPhasesOutOfRange) {
  EXPECT_THAT(with_params([](GuestParams& p) { p.phase_count = 0; }), HasSubstr("guest: 0 phases: choose 1..4"));
  EXPECT_THAT(with_params([](GuestParams& p) { p.phase_count = 5; }), HasSubstr("5 phases"));
  EXPECT_THAT(with_params([](GuestParams& p) { p.phases[1].accesses = 0; }),
              HasSubstr("guest: phase 2 of 3: 0 accesses, which is for ever"));
  EXPECT_EQ(with_params([](GuestParams& p) { p.phases[2].accesses = 0; }), "accepted");
  EXPECT_THAT(with_params([](GuestParams& p) { p.phases[1].stream_count = 0; }),
              HasSubstr("phase 2 of 3: 0 streams: choose 1..4"));
  EXPECT_THAT(with_params([](GuestParams& p) { p.phases[2].stream_count = 5; }), HasSubstr("phase 3 of 3: 5 streams"));
}

TEST(CheckGuest, RefusesIdleTimesBeyondASecond) {
  EXPECT_EQ(with_params([](GuestParams& p) { p.phases[1].idle_us = 1'000'000; }), "accepted");
  EXPECT_THAT(with_params([](GuestParams& p) { p.phases[1].idle_us = 1'000'001; }),
              HasSubstr("phase 2 of 3: idle for 1000001 us of the phase and 0 us of the guest: choose 0..1000000"));
  EXPECT_EQ(with_params([](GuestParams& p) { p.idle_us = 1'000'000; }), "accepted");
  EXPECT_THAT(with_params([](GuestParams& p) { p.idle_us = 1'000'001; }), HasSubstr("1000001 us of the guest"));
  EXPECT_THAT(with_params([](GuestParams& p) {
                p.idle_us = 600'000;
                p.phases[2].idle_us = 400'001;
              }),
              HasSubstr("phase 3 of 3: idle for 400001 us of the phase and 600000 us of the guest"));
  EXPECT_THAT(with_params([](GuestParams& p) {
                p.idle_us = 1;
                p.phases[0].idle_us = kHuge;  // must not pass by wrapping around
              }),
              HasSubstr("phase 1 of 3: idle"));
}

TEST(CheckGuest, RefusesSharesAndWeightsOutOfRange) {
  const auto with = [](auto change) { return with_stream(uniform_guest(10), change); };
  EXPECT_THAT(with([](AccessStream& s) { s.write_percent = 101; }),
              HasSubstr("guest: phase 1 of 1, stream 1 of 1: write_percent 101: choose 0..100"));
  EXPECT_THAT(with([](AccessStream& s) { s.mmio_percent = 101; }), HasSubstr("mmio_percent 101: choose 0..100"));
  EXPECT_EQ(with([](AccessStream& s) { s.write_percent = s.mmio_percent = 100; }), "accepted");
  EXPECT_THAT(with([](AccessStream& s) { s.weight = 0; }), HasSubstr("weight 0: choose 1..10000"));
  EXPECT_THAT(with([](AccessStream& s) { s.weight = 10'001; }), HasSubstr("weight 10001: choose 1..10000"));
  EXPECT_THAT(with([](AccessStream& s) { s.locality = static_cast<Locality>(5); }),
              HasSubstr("locality 5: choose 0..4"));
}

TEST(CheckGuest, LooksAtEveryStreamOfEveryPhase) {
  for (unsigned phase = 0; phase < 3; ++phase) {
    const unsigned streams = phase == 2 ? 4 : 1;
    for (unsigned stream = 0; stream < streams; ++stream) {
      EXPECT_THAT(with_params([&](GuestParams& p) { p.phases[phase].streams[stream].weight = 0; }),
                  HasSubstr("phase " + std::to_string(phase + 1) + " of 3, stream " + std::to_string(stream + 1) +
                            " of " + std::to_string(streams)));
    }
  }
  EXPECT_EQ(with_params([](GuestParams& p) { p.phases[0].streams[1].weight = 0; }), "accepted") << "there is no such";
}

TEST(CheckGuest, RefusesStreamsOutsideTheWindow) {
  for (const GuestParams& params : {uniform_guest(10), stride_guest(10, 1), growth_guest(10)}) {
    const auto with = [&](std::uint64_t first_page, std::uint64_t pages) {
      return with_stream(params, [&](AccessStream& s) {
        s.first_page = first_page;
        s.pages = pages;
      });
    };
    EXPECT_EQ(with(0, kWindow), "accepted");
    EXPECT_EQ(with(kWindow - 1, 1), "accepted");
    EXPECT_THAT(with(5, 0),
                HasSubstr("0 pages from page 5 of a guest at gfn 0x0: choose at least 1 page, all below gfn "
                          "0x1000000000"));
    const std::pair<std::uint64_t, std::uint64_t> outside[] = {
        {1, kWindow}, {kWindow, 1}, {kHuge, 2}, {2, kHuge}, {kHuge, kHuge}};
    for (const auto& [first_page, pages] : outside) {
      EXPECT_THAT(with(first_page, pages), HasSubstr("below gfn 0x1000000000")) << first_page << " " << pages;
    }
  }
}

TEST(CheckGuest, CountsTheGuestsFirstPage) {
  GuestConfig config = config_of(GuestKind::thread, uniform_guest(10), 1);
  config.params.base_gfn = kWindow - 10;
  EXPECT_EQ(refusal(config), "accepted");
  for (const std::uint64_t base : {kWindow - 9, kWindow, kHuge}) {
    config.params.base_gfn = base;
    EXPECT_THAT(refusal(config), HasSubstr("10 pages from page 0 of a guest at gfn 0x")) << base;
  }
}

TEST(CheckGuest, RefusesLocalitiesOutOfRange) {
  const auto stride = [](std::uint64_t value) {
    return with_stream(stride_guest(10, 1), [&](AccessStream& s) { s.stride = value; });
  };
  EXPECT_EQ(stride(10), "accepted");
  EXPECT_THAT(stride(0), HasSubstr("stride 0: choose 1..10"));
  EXPECT_THAT(stride(11), HasSubstr("stride 11: choose 1..10"));
  EXPECT_THAT(with_stream(growth_guest(10), [](AccessStream& s) { s.first_touch_one_in = 0; }),
              HasSubstr("stream 1 of 1: first_touch_one_in 0: choose 1..4294967295"));
}

TEST(CheckGuest, RefusesChurnOutOfRange) {
  const auto with = [](auto change) { return with_stream(churn_guest(10, 10, 2), change); };
  EXPECT_THAT(with([](AccessStream& s) { s.processes = 0; }), HasSubstr("stream 1 of 1: processes 0: choose 1.."));
  EXPECT_EQ(with([](AccessStream& s) { s.touches = AccessStream::kMaxTouches; }), "accepted");
  EXPECT_THAT(with([](AccessStream& s) { s.touches = AccessStream::kMaxTouches + 1; }),
              HasSubstr("touches 4294967297: choose 0..4294967296"));
  EXPECT_EQ(with([](AccessStream& s) { s.pages = kWindow / 2; }), "accepted");
  EXPECT_THAT(with([](AccessStream& s) { s.pages = kWindow / 2 + 1; }), HasSubstr("2 x 34359738369 pages"));
  EXPECT_THAT(with([](AccessStream& s) {
                s.pages = kHuge / 2 + 1;  // twice that is 0
              }),
              HasSubstr("2 x 9223372036854775808 pages"));
}

TEST(CheckGuest, RefusesAZipfTableThatDoesNotFit) {
  const GuestParams good = zipf_guest(1000, 1);
  const auto with = [&](auto change) {
    GuestParams params = good;
    change(params);
    return refusal(config_of(GuestKind::thread, params, 1));
  };
  EXPECT_THAT(with([](GuestParams& p) { p.phases[0].streams[0].pages = 999; }),
              HasSubstr("Zipf over 999 pages beside a table over 1000"));
  EXPECT_THAT(with([](GuestParams& p) { p.zipf = {}; }), HasSubstr("beside a table over 0"));
  for (const std::uint64_t count : {std::uint64_t{0}, ZipfTable::kMaxBuckets, kHuge}) {
    EXPECT_THAT(with([&](GuestParams& p) { p.zipf.bucket_count = count; }), HasSubstr("make_zipf_table did not make"));
  }
  EXPECT_THAT(with([](GuestParams& p) { p.zipf.buckets[5].alias = static_cast<std::uint32_t>(p.zipf.bucket_count); }),
              HasSubstr("make_zipf_table did not make"));
}

}  // namespace
}  // namespace shadowwalk
