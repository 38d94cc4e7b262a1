#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/guest/guest.hpp"
#include "harness/guest/guest_abi.hpp"
#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

__extension__ using Wide = unsigned __int128;

/// The sum of 1/rank^skew over first < rank <= last, ranks counted from 1.
double weight_of_ranks(std::uint64_t first, std::uint64_t last, double skew) {
  constexpr std::uint64_t kFew = 1024;
  if (last - first <= kFew) {
    double sum = 0;
    for (std::uint64_t rank = last; rank > first; --rank) sum += std::pow(static_cast<double>(rank), -skew);
    return sum;
  }
  // The midpoint rule read backwards, off by skew * (skew + 1) / 24 / first^2: below 2^-26, as buckets of more than
  // 1024 ranks begin beyond rank 8192.
  const double low = static_cast<double>(first) + 0.5;
  const double octaves = std::log((static_cast<double>(last) + 0.5) / low);
  const double exponent = 1 - skew;
  if (std::abs(exponent) < 1e-9) return octaves;
  return std::pow(low, exponent) * std::expm1(exponent * octaves) / exponent;
}

std::vector<double> bucket_weights(std::uint64_t pages, double skew) {
  std::vector<double> weights;
  for (std::uint64_t bucket = 0; bucket < ZipfTable::kMaxBuckets; ++bucket) {
    const std::uint64_t first = ZipfTable::first_rank(bucket);
    if (first >= pages) break;
    weights.push_back(weight_of_ranks(first, std::min(ZipfTable::first_rank(bucket + 1), pages), skew));
  }
  return weights;
}

/// Vose's way to build the alias method: a bucket with less than the mean fills its slot up from one with more.
void build_aliases(std::vector<double> weights, ZipfTable& table) {
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    weights[i] /= mean;
    table.buckets[i] = {.keep = 0, .alias = i};  // what rounding leaves over at the end keeps its slot to itself
    (weights[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t poor = small.back();
    small.pop_back();
    const std::uint32_t rich = large.back();
    table.buckets[poor] = {.keep = static_cast<std::uint32_t>(weights[poor] * 0x1p32), .alias = rich};
    weights[rich] -= 1 - weights[poor];
    if (weights[rich] < 1) {
      large.pop_back();
      small.push_back(rich);
    }
  }
}

/// Ranks lie a golden section of the pages apart, or nearly so, as the step shares no divisor with `pages`.
void build_scatter(ZipfTable& table) {
  const std::uint64_t pages = table.pages;
  auto step = static_cast<std::uint64_t>(static_cast<double>(pages) * 0.6180339887498949);
  while (std::gcd(step, pages) != 1) ++step;
  const Wide high = (Wide{step} << 64) / pages;
  const Wide rest = (Wide{step} << 64) % pages;
  table.scatter_high = static_cast<std::uint64_t>(high);
  table.scatter_low = static_cast<std::uint64_t>(((rest << 64) + pages - 1) /
                                                 pages);  // up: see scattered() in workloads/guest/localities.hpp
}

}  // namespace

ZipfTable make_zipf_table(std::uint64_t pages, double skew) {
  if (pages < 1 || pages > guest_abi::kWindowPages) {
    throw InputError(fmt::format("guest: Zipf over {} pages: choose 1..{}", pages, guest_abi::kWindowPages));
  }
  if (!(skew > 0 && skew <= 4)) throw InputError(fmt::format("guest: a Zipf skew of {}: choose 0 < skew <= 4", skew));
  ZipfTable table;
  table.pages = pages;
  std::vector<double> weights = bucket_weights(pages, skew);
  table.bucket_count = weights.size();
  build_aliases(std::move(weights), table);
  build_scatter(table);
  return table;
}

}  // namespace shadowwalk
