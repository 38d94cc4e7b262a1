#include "harness/lab/result_recorder.hpp"

#include <fmt/format.h>

namespace shadowwalk {
namespace {

using nlohmann::json;

json to_json(const Histogram& histogram) {
  json buckets = json::array();
  for (std::size_t i = 0; i < HistogramScale::kBuckets; ++i) {
    if (const std::uint64_t count = histogram.count_in(i)) {
      buckets.push_back({HistogramScale::lowest(i), HistogramScale::highest(i), count});
    }
  }
  return {{"unit", "ns"},
          {"sub_bucket_bits", HistogramScale::kSubBucketBits},
          {"count", histogram.count()},
          {"min", histogram.min()},
          {"max", histogram.max()},
          {"sum", histogram.sum()},
          {"buckets", std::move(buckets)}};
}

}  // namespace

ResultRecorder::ResultRecorder(CellResult& result, Instrumentation level) : result_(result), level_(level) {
  result_.details["unavailable"] = json::object();
  result_.details["histograms"] = json::object();
  result_.details["flags"] = json::array();
}

void ResultRecorder::flag(const std::string& name, bool raised) {
  set(name, raised ? 1 : 0);
  if (raised) result_.details["flags"].push_back(name);
}

std::string ResultRecorder::not_taken() const {
  return fmt::format("not taken at --instrumentation {}", to_string(level_));
}

bool ResultRecorder::taken_at(Instrumentation level, std::initializer_list<const char*> names) {
  if (level_ >= level) return true;
  for (const char* name : names) unavailable(name, not_taken());
  return false;
}

void ResultRecorder::quantiles(const std::string& prefix, Instrumentation level, const Histogram& histogram,
                               Quantiles wanted, const std::string& why_empty) {
  for (const auto& [suffix, fraction] : wanted) {
    const std::string name = prefix + suffix;
    if (histogram.count() == 0) {
      unavailable(name, level_ < level ? not_taken() : why_empty);
    } else {
      set(name, histogram.quantile(fraction));
    }
  }
  if (histogram.count() != 0) result_.details["histograms"][prefix] = to_json(histogram);
}

}  // namespace shadowwalk
