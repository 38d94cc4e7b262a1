#include "harness/text/quantity.hpp"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>

namespace shadowwalk {
namespace {

std::string scaled(double value, double step, std::initializer_list<const char*> units) {
  const char* const* unit = units.begin();
  while (std::abs(value) >= step && unit + 1 != units.end()) {
    value /= step;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 && unit != units.begin() ? 2 : value < 100 ? 1 : 0, *unit);
}

}  // namespace

std::string time_in_words(double ns) { return scaled(ns, 1000, {"ns", "us", "ms", "s"}); }
std::string bytes_in_words(double bytes) { return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB"}); }
std::string rate_in_words(double per_second) { return scaled(per_second, 1000, {"/s", "k/s", "M/s", "G/s"}); }

}  // namespace shadowwalk
