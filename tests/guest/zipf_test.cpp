#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/guest/guest_abi.hpp"
#include "tests/guest/named_guests.hpp"
#include "workloads/guest/localities.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;

/// The probability of each bucket that the table really has: its own part of its slot and its part of others' slots.
std::vector<double> bucket_shares(const ZipfTable& table) {
  std::vector<double> shares(table.bucket_count);
  const double slot = 0x1p-32 / static_cast<double>(table.bucket_count);
  for (std::uint64_t i = 0; i < table.bucket_count; ++i) {
    shares[i] += slot * table.buckets[i].keep;
    shares.at(table.buckets[i].alias) += slot * (0x1p32 - table.buckets[i].keep);
  }
  return shares;
}

std::uint64_t end_of(const ZipfTable& table, std::uint64_t bucket) {
  return std::min(ZipfTable::first_rank(bucket + 1), table.pages);
}

/// The bucket that `rank` is in, found the slow way.
std::uint64_t bucket_of(std::uint64_t rank) {
  std::uint64_t bucket = 0;
  while (ZipfTable::first_rank(bucket + 1) <= rank) ++bucket;
  return bucket;
}

TEST(ZipfTable, HasTheExactProbabilities) {
  for (const std::uint64_t pages : {1u, 2u, 64u, 65u, 1000u, 5000u, 1u << 20}) {
    for (const double skew : {0.01, 0.5, 0.99, 1.0, 1.2, 2.5, 4.0}) {
      SCOPED_TRACE(testing::Message() << pages << " pages, skew " << skew);
      const ZipfTable table = make_zipf_table(pages, skew);
      std::vector<double> exact(table.bucket_count);
      for (std::uint64_t bucket = 0; bucket < table.bucket_count; ++bucket) {
        for (std::uint64_t rank = ZipfTable::first_rank(bucket); rank < end_of(table, bucket); ++rank) {
          exact[bucket] += std::pow(static_cast<double>(rank + 1), -skew);
        }
      }
      const double sum = std::accumulate(exact.begin(), exact.end(), 0.0);
      const auto shares = bucket_shares(table);
      for (std::uint64_t i = 0; i < table.bucket_count; ++i) ASSERT_NEAR(shares[i], exact[i] / sum, 1e-7) << i;
    }
  }
}

TEST(ZipfTable, ReachesTheWholeWindow) {
  constexpr std::uint64_t kPages = guest_abi::kWindowPages;
  const ZipfTable table = make_zipf_table(kPages, 1);
  ASSERT_EQ(table.bucket_count, ZipfTable::kMaxBuckets);
  EXPECT_EQ(end_of(table, table.bucket_count - 1), kPages);
  // The harmonic numbers' asymptotic series.
  const auto harmonic = [](std::uint64_t n) {
    const auto x = static_cast<double>(n);
    return std::log(x) + 0.57721566490153286 + 1 / (2 * x) - 1 / (12 * x * x);
  };
  const auto shares = bucket_shares(table);
  for (std::uint64_t i = 40; i < table.bucket_count; ++i) {
    const double exact = harmonic(end_of(table, i)) - harmonic(ZipfTable::first_rank(i));
    ASSERT_NEAR(shares[i], exact / harmonic(kPages), 1e-7) << i;
  }
}

TEST(ZipfTable, ScattersRanksOverAllPages) {
  for (const std::uint64_t pages : {1u, 2u, 3u, 7u, 64u, 1000u, 4096u, 100'003u}) {
    SCOPED_TRACE(pages);
    const ZipfTable table = make_zipf_table(pages, 1);
    std::vector<bool> taken(pages);
    for (std::uint64_t rank = 0; rank < pages; ++rank) {
      const std::uint64_t page = scattered(table, rank);
      ASSERT_LT(page, pages);
      ASSERT_FALSE(taken[page]) << "rank " << rank;
      taken[page] = true;
    }
  }
}

// Where a whole permutation is too much to look at: rank r lies at r * step mod pages, and step has no divisor of
// pages.
TEST(ZipfTable, ScattersTheLargestSizesExactly) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kWindow = guest_abi::kWindowPages;
  for (const std::uint64_t pages : {kWindow, kWindow - 1, kWindow - 5, (std::uint64_t{1} << 33) + 7, kWindow / 3}) {
    SCOPED_TRACE(pages);
    const ZipfTable table = make_zipf_table(pages, 1);
    const std::uint64_t step = scattered(table, 1);
    EXPECT_EQ(std::gcd(step, pages), 1u);
    std::uint64_t random = 1;
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t rank = i % 2 == 0 ? random_below(random, pages) : pages - 1 - random_below(random, 1000);
      ASSERT_EQ(scattered(table, rank), static_cast<std::uint64_t>(Wide{rank} * step % pages)) << rank;
    }
  }
}

TEST(ZipfTable, HotPagesLieInManyTables) {
  constexpr std::uint64_t kTables = 64;
  const ZipfTable table = make_zipf_table(kTables * 512, 1);
  std::vector<int> hot(kTables);
  for (std::uint64_t rank = 0; rank < 2 * kTables; ++rank) hot[scattered(table, rank) / 512] += 1;
  for (const int count : hot) {
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 4);
  }
}

TEST(ZipfTable, RefusesWhatIsOutOfRange) {
  const auto refusal = [](std::uint64_t pages, double skew) -> std::string {
    try {
      make_zipf_table(pages, skew);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(1, 4), "accepted");
  EXPECT_THAT(refusal(0, 1), HasSubstr("Zipf over 0 pages: choose 1..68719476736"));
  EXPECT_THAT(refusal(guest_abi::kWindowPages + 1, 1), HasSubstr("68719476737 pages"));
  EXPECT_THAT(refusal(1, 0), HasSubstr("skew of 0: choose 0 < skew <= 4"));
  EXPECT_THAT(refusal(1, -1), HasSubstr("skew of -1"));
  EXPECT_THAT(refusal(1, 4.01), HasSubstr("skew of 4.01"));
  EXPECT_THAT(refusal(1, std::numeric_limits<double>::quiet_NaN()), HasSubstr("skew of nan"));
}

// The guest's accesses against Zipf's own probabilities: rank by rank in front, by bucket behind.
TEST(Zipf, AccessesAreDistributedAsZipfSays) {
  constexpr std::size_t kAccesses = 1'000'000;
  for (const std::uint64_t pages : {100u, 1000u, 1u << 18}) {
    for (const double skew : {0.5, 1.0, 1.5, 4.0}) {
      SCOPED_TRACE(testing::Message() << pages << " pages, skew " << skew);
      const GuestParams params = zipf_guest(pages, skew);
      std::vector<std::uint64_t> bucket_at(pages);
      std::vector<double> expected(params.zipf.bucket_count);
      double sum = 0;
      for (std::uint64_t rank = 0, bucket = 0; rank < pages; ++rank) {
        if (rank == end_of(params.zipf, bucket)) ++bucket;
        bucket_at[scattered(params.zipf, rank)] = bucket;
        const double weight = std::pow(static_cast<double>(rank + 1), -skew);
        expected[bucket] += weight;
        sum += weight;
      }
      std::vector<double> hits(expected.size());
      for (const Access access : test::accesses_of(params, kAccesses)) hits[bucket_at.at(test::page_of(access))] += 1;

      double chi_square = 0;
      double cells = 0;
      double rare_hits = 0;
      double rare_expected = 0;
      const auto add_cell = [&](double count, double expectation) {
        chi_square += (count - expectation) * (count - expectation) / expectation;
        cells += 1;
      };
      for (std::size_t i = 0; i < hits.size(); ++i) {
        const double expectation = expected[i] / sum * kAccesses;
        if (expectation >= 5) {
          add_cell(hits[i], expectation);
        } else {
          rare_hits += hits[i];
          rare_expected += expectation;
        }
      }
      if (rare_expected >= 5) add_cell(rare_hits, rare_expected);
      const double freedom = cells - 1;
      EXPECT_LT(chi_square, freedom + 6 * std::sqrt(2 * freedom));
    }
  }
}

TEST(Zipf, RanksOfABucketAreEquallyLikely) {
  constexpr std::uint64_t kPages = 1000;
  constexpr std::size_t kAccesses = 1'000'000;
  const GuestParams params = zipf_guest(kPages, 1);
  const auto shares = bucket_shares(params.zipf);
  std::vector<double> hits(kPages);
  for (const Access access : test::accesses_of(params, kAccesses)) hits[test::page_of(access)] += 1;
  double chi_square = 0;
  for (std::uint64_t rank = 0; rank < kPages; ++rank) {
    const std::uint64_t bucket = bucket_of(rank);
    const auto width = static_cast<double>(end_of(params.zipf, bucket) - ZipfTable::first_rank(bucket));
    const double expected = shares[bucket] / width * kAccesses;
    const double count = hits[scattered(params.zipf, rank)];
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_NEAR(chi_square, 999, 270);  // 999 degrees of freedom, six standard deviations of 45
}

}  // namespace
}  // namespace shadowwalk
