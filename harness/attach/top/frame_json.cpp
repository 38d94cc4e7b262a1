#include "harness/attach/top/frame_json.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>

namespace shadowwalk::top {
namespace {

using nlohmann::json;

json exits_of(const Counts& counts) {
  json exits = json::object();
  for (std::size_t i = 0; i < kExitReasons; ++i) exits[std::string(kExitNames[i])] = counts.exits[i];
  return exits;
}

json totals_of(const Sample& sample) {
  return {{"walks", sample.all.walks},
          {"faults", sample.all.faults},
          {"restarts", sample.all.restarts},
          {"violations", sample.all.violations},
          {"zaps", sample.all.zaps},
          {"zaps_empty", sample.all.zaps_empty},
          {"ipis", sample.ipis},
          {"pages_freed", sample.pages_freed},
          {"exits", exits_of(sample.all)}};
}

json rates_of(const Sample& now, const Sample& before, double seconds) {
  const Counts since = now.all - before.all;
  const auto rate = [&](std::uint64_t count) { return static_cast<double>(count) / seconds; };
  json exits = json::object();
  for (std::size_t i = 0; i < kExitReasons; ++i) exits[std::string(kExitNames[i])] = rate(since.exits[i]);
  json vcpus = json::array();
  for (std::size_t i = 0; i < now.vcpus.size(); ++i) vcpus.push_back(rate(now.vcpus[i].walks - before.vcpus[i].walks));
  return {{"walks", rate(since.walks)},
          {"walks_by_vcpu", std::move(vcpus)},
          {"faults", rate(since.faults)},
          {"restarts", rate(since.restarts)},
          {"zaps", rate(since.zaps)},
          {"zaps_empty", rate(since.zaps_empty)},
          {"ipis", rate(now.ipis - before.ipis)},
          {"pages_freed", rate(now.pages_freed - before.pages_freed)},
          {"exits", std::move(exits)}};
}

json latencies_of(const Histogram& histogram) {
  return {{"count", histogram.count()},
          {"p50", histogram.quantile(0.5)},
          {"p99", histogram.quantile(0.99)},
          {"max", histogram.max()}};
}

/// Of what was recorded in the window so far.
void add_latencies(json& object, const char* name, const Histogram& histogram) {
  if (histogram.count() != 0) object[name] = latencies_of(histogram);
}

}  // namespace

std::string json_of(const Frame& frame) {
  json object = {{"id", frame.run.id}, {"phase", frame.phase}, {"at_ns", frame.at_ns}};
  if (frame.run.cell) object["name"] = frame.run.cell->name;
  if (frame.run.run) object["number"] = frame.run.run->number;
  if (!frame.why_no_counters.empty()) object["unavailable"] = frame.why_no_counters;
  if (frame.now) {
    const Sample& now = *frame.now;
    object["totals"] = totals_of(now);
    if (now.page_bytes != 0) {
      object["retired_bytes"] = now.pages_retired * now.page_bytes;
      object["retired_bytes_peak"] = now.retired_peak * now.page_bytes;
    }
    add_latencies(object, "free_ns", now.free_ns);
    add_latencies(object, "ipi_ns", now.ipi_ns);
    if (frame.interval_s() > 0) {
      object["interval_s"] = frame.interval_s();
      object["per_second"] = rates_of(now, *frame.before, frame.interval_s());
    }
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace shadowwalk::top
