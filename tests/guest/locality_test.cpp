#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "harness/guest/guest_abi.hpp"
#include "tests/guest/named_guests.hpp"

namespace shadowwalk {
namespace {

using test::accesses_of;
using test::config_of;
using test::next_accesses;
using test::page_of;
using test::six_sigma;

constexpr std::size_t kLocalityAccesses = 200'000;

TEST(Localities, SharesOfWritesAndMmioAreAsAsked) {
  for (const Locality locality :
       {Locality::uniform, Locality::stride, Locality::zipf, Locality::growth, Locality::churn}) {
    for (const unsigned mmio : {0u, 20u, 100u}) {
      for (const unsigned write : {0u, 1u, 30u, 100u}) {
        SCOPED_TRACE(testing::Message() << "locality " << static_cast<unsigned>(locality) << ", " << mmio << " % MMIO, "
                                        << write << " % writes");
        GuestParams params = one_stream_guest({.locality = locality,
                                               .write_percent = write,
                                               .mmio_percent = mmio,
                                               .pages = 500,
                                               .stride = 7,
                                               .touches = AccessStream::kMaxTouches});
        params.zipf = make_zipf_table(500, 1);
        std::map<AccessKind, double> counts;
        for (const Access access : accesses_of(params, kLocalityAccesses)) counts[access.kind()] += 1;
        const auto expect_share = [&](AccessKind kind, double share) {
          EXPECT_NEAR(counts[kind] / kLocalityAccesses, share, six_sigma(share, kLocalityAccesses));
        };
        expect_share(AccessKind::mmio, mmio / 100.0);
        expect_share(AccessKind::write, (100 - mmio) * write / 10000.0);
        expect_share(AccessKind::read, (100 - mmio) * (100 - write) / 10000.0);
        EXPECT_EQ(counts[AccessKind::page_table_write], 0);
      }
    }
  }
}

TEST(Uniform, IsUniform) {
  constexpr std::uint64_t kPages = 1000;
  std::vector<double> hits(kPages);
  for (const Access access : accesses_of(uniform_guest(kPages, 30), kLocalityAccesses)) hits.at(page_of(access)) += 1;
  const double expected = static_cast<double>(kLocalityAccesses) / kPages;
  double chi_square = 0;
  for (const double count : hits) chi_square += (count - expected) * (count - expected) / expected;
  // 999 degrees of freedom: mean 999, standard deviation 45; six of them either way.
  EXPECT_NEAR(chi_square, 999, 270);
}

TEST(Stride, GoesRoundAndRoundInEqualSteps) {
  struct Case {
    std::uint64_t pages, stride;
  };
  for (const auto& [pages, stride] : {Case{1000, 1}, Case{1000, 7}, Case{1000, 250}, Case{1000, 1000}, Case{1000, 999},
                                      Case{1, 1}, Case{guest_abi::kWindowPages / 2, 512}}) {
    SCOPED_TRACE(testing::Message() << stride << " of " << pages);
    const auto accesses = accesses_of(stride_guest(pages, stride), 5000);
    for (std::size_t i = 1; i < accesses.size(); ++i) {
      ASSERT_EQ(page_of(accesses[i]), (page_of(accesses[i - 1]) + stride) % pages);
    }
    std::set<std::uint64_t> visited;
    for (const Access access : accesses) visited.insert(page_of(access));
    EXPECT_EQ(visited.size(), std::min<std::uint64_t>(pages / std::gcd(pages, stride), accesses.size()));
    EXPECT_LT(*visited.rbegin(), pages);
  }
}

TEST(Stride, VcpusDoNotMarchInStep) {
  std::set<std::uint64_t> starts;
  for (unsigned vcpu = 0; vcpu < 8; ++vcpu) {
    starts.insert(page_of(accesses_of(stride_guest(1 << 30, 1), 1, vcpu).front()));
  }
  EXPECT_EQ(starts.size(), 8u);
}

TEST(Growth, TouchesANewPageOnceInSoManyAccesses) {
  constexpr std::uint64_t kRecent = 100;
  for (const unsigned one_in : {1u, 3u, 8u, 1000u}) {
    SCOPED_TRACE(one_in);
    std::uint64_t touched = 0;
    std::uint64_t oldest_distance = 0;
    for (const Access access : accesses_of(growth_guest(kRecent, 30, one_in), kLocalityAccesses)) {
      const std::uint64_t page = page_of(access);
      ASSERT_LE(page, touched) << "first touches come in order";
      if (page == touched) {
        ++touched;
      } else {
        oldest_distance = std::max(oldest_distance, touched - page);
      }
    }
    const double share = 1.0 / one_in;
    EXPECT_NEAR(static_cast<double>(touched) / kLocalityAccesses, share, six_sigma(share, kLocalityAccesses) + 1e-5);
    EXPECT_EQ(oldest_distance, one_in == 1 ? 0 : kRecent) << "re-touches reach back over exactly the last `pages`";
  }
}

TEST(Growth, StartsOverAtItsFirstPageAtTheWindowsEnd) {
  constexpr std::uint64_t kRoom = 10;
  GuestConfig config = config_of(GuestKind::thread, growth_guest(3, 0, /*first_touch_one_in=*/1), 1000);
  config.params.base_gfn = guest_abi::kWindowPages - kRoom - 5;
  config.params.phases[0].streams[0].first_page = 5;
  std::uint64_t touched = 0;
  for (const std::uint64_t word : next_accesses(make_guest(config)->vcpu(0), 1000)) {
    ASSERT_EQ(Access{word}.gfn(), guest_abi::kWindowPages - kRoom + touched++ % kRoom);
  }
}

}  // namespace
}  // namespace shadowwalk
