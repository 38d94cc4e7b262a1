#include "harness/attach/top/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>

#include "harness/text/duration.hpp"
#include "harness/text/quantity.hpp"

namespace shadowwalk::top {
namespace {

constexpr std::array<const char*, 9> kUnicodeBlocks = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, 9> kAsciiBlocks = {".", "_", "-", "~", "=", "+", "*", "#", "@"};
constexpr std::size_t kTopic = 14;     // columns before a line's values
constexpr std::size_t kMostVcpus = 8;  // shown one by one

std::string duration(std::uint64_t ns) { return format_duration(std::chrono::nanoseconds(ns)); }

/// Cuts a line of ASCII text.
std::string cut(std::string text, std::size_t columns) {
  if (text.size() > columns) text.resize(columns);
  return text;
}

/// Where the cell is: `measure, 1.2s of 2s`.
std::string where(const Frame& frame) {
  if (!frame.run.cell || !frame.run.cell->schedule || frame.ended()) return frame.phase;
  const live::Schedule& schedule = *frame.run.cell->schedule;
  if (frame.phase == "warmup")
    return fmt::format("warmup, measures in {}", duration(schedule.warmup_end_ns - frame.at_ns));
  if (frame.phase != "measure") return frame.phase;
  const auto seconds = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e9; };
  return fmt::format("measure, {:.1f}s of {:.1f}s", seconds(frame.at_ns - schedule.warmup_end_ns),
                     seconds(schedule.window_end_ns - schedule.warmup_end_ns));
}

std::string head(const Frame& frame) {
  const live::LiveRun& run = frame.run;
  std::string text = fmt::format("shadowwalk top  {}", run.id);
  if (run.run) {
    text += fmt::format("  cell {}/{}", run.run->number, run.run->total);
    if (run.run->failed != 0) text += fmt::format(", {} failed", run.run->failed);
  }
  text += fmt::format("  {}  up {}", where(frame), duration(frame.at_ns - std::min(frame.at_ns, run.began_ns)));
  if (const auto eta = run.eta_ns(frame.at_ns); eta && !frame.ended()) text += fmt::format(", {} left", duration(*eta));
  return text;
}

class Lines {
 public:
  Lines(const Frame& frame, std::size_t columns, Blocks blocks)
      : frame_(frame), columns_(columns), blocks_(blocks), seconds_(frame.interval_s()) {}

  std::vector<std::string> all() {
    put(head(frame_));
    put(frame_.run.cell ? frame_.run.cell->name : "between two cells");
    put("");
    if (frame_.now) {
      // The first refresh has nothing to compare with: seconds_ is 0, and rates are dashes.
      counters(*frame_.now, frame_.before ? *frame_.before : *frame_.now);
    } else if (!frame_.why_no_counters.empty()) {
      put("no counters: " + frame_.why_no_counters);
    }
    return std::move(lines_);
  }

 private:
  void put(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    lines_.push_back(cut(std::move(line), columns_));
  }
  void topic(const char* name, const std::string& values) { put(fmt::format("  {:<{}}{}", name, kTopic - 2, values)); }

  /// Since the previous refresh; a dash without one.
  std::string rate(std::uint64_t now, std::uint64_t before) const {
    return seconds_ <= 0 ? "-" : rate_in_words(static_cast<double>(now - before) / seconds_);
  }

  /// Of the values recorded since the previous refresh, and in the window so far.
  void latencies(const char* name, const Histogram& now, const Histogram& before) {
    const auto quantiles = [](const Histogram& histogram) {
      if (histogram.count() == 0) return std::string("-");
      return fmt::format("p50 {}  p99 {}  max {}", time_in_words(histogram.quantile(0.5)),
                         time_in_words(histogram.quantile(0.99)), time_in_words(static_cast<double>(histogram.max())));
    };
    std::string line = fmt::format("{:<46}", quantiles(now.since(before)));
    if (now.count() != 0) line += "window: " + quantiles(now);
    topic(name, line);
  }

  void counters(const Sample& now, const Sample& before) {
    const auto rate_of = [&](std::uint64_t Counts::*count) { return rate(now.all.*count, before.all.*count); };
    const bool walks_here = now.page_bytes != 0 || now.all.walks != 0;
    if (walks_here) {
      topic("walks", rate_of(&Counts::walks) + per_vcpu(now, before));
      topic("", fmt::format("faults {}  restarts {}", rate_of(&Counts::faults), rate_of(&Counts::restarts)));
    } else {
      topic("walks", "by the kernel: `shadowwalk attach --what kvm` records them");
    }
    topic("zaps", fmt::format("{}  found nothing {}", rate_of(&Counts::zaps), rate_of(&Counts::zaps_empty)));
    if (now.page_bytes != 0) memory(now, before);
    topic("IPIs", rate(now.ipis, before.ipis));
    latencies("  each", now.ipi_ns, before.ipi_ns);
    exits(now, before);
    if (walks_here) topic("violations", std::to_string(now.all.violations));
  }

  std::string per_vcpu(const Sample& now, const Sample& before) const {
    if (seconds_ <= 0 || now.vcpus.size() < 2 || before.vcpus.size() != now.vcpus.size()) return {};
    std::string text;
    for (std::size_t i = 0; i < std::min(now.vcpus.size(), kMostVcpus); ++i) {
      text += fmt::format("{} vcpu-{} {}", i == 0 ? "  =" : " +", i, rate(now.vcpus[i].walks, before.vcpus[i].walks));
    }
    return text + (now.vcpus.size() > kMostVcpus ? " + ..." : "");
  }

  void memory(const Sample& now, const Sample& before) {
    const auto bytes = [&](std::uint64_t pages) { return bytes_in_words(static_cast<double>(pages * now.page_bytes)); };
    topic("retired", fmt::format("{} now  {} at most  freed {}", bytes(now.pages_retired), bytes(now.retired_peak),
                                 rate(now.pages_freed, before.pages_freed)));
    const std::size_t begun = frame_.ended() ? Footprint::kIntervals : frame_.intervals_begun();
    if (begun != 0) {
      const std::size_t columns = columns_ > kTopic ? columns_ - kTopic : 1;
      lines_.push_back(std::string(kTopic, ' ') +
                       sparkline(std::span(now.retired_series).first(begun), columns, blocks_));
    }
    latencies("free", now.free_ns, before.free_ns);
  }

  void exits(const Sample& now, const Sample& before) {
    std::string reasons;
    std::uint64_t all = 0;
    std::uint64_t all_before = 0;
    for (std::size_t i = 0; i < kExitReasons; ++i) {
      all += now.all.exits[i];
      all_before += before.all.exits[i];
      if (now.all.exits[i] == 0 || seconds_ <= 0) continue;
      reasons += fmt::format("{}{} {}", reasons.empty() ? "  = " : " + ", kExitNames[i],
                             rate(now.all.exits[i], before.all.exits[i]));
    }
    topic("exits", rate(all, all_before) + reasons);
  }

  const Frame& frame_;
  const std::size_t columns_;
  const Blocks blocks_;
  const double seconds_;
  std::vector<std::string> lines_;
};

using nlohmann::json;

/// What was counted from `before` to `now`, each count as `as` turns it into a value.
template <class As>
json counts_of(const Sample& now, const Sample& before, As as) {
  json counts = {{"ipis", as(now.ipis - before.ipis)}, {"pages_freed", as(now.pages_freed - before.pages_freed)}};
  for (const CountRow& row : kCounts) counts[row.name] = as(now.all.*row.count - before.all.*row.count);
  json& exits = counts["exits"];
  for (std::size_t i = 0; i < kExitReasons; ++i) {
    exits[std::string(kExitNames[i])] = as(now.all.exits[i] - before.all.exits[i]);
  }
  return counts;
}

json rates_of(const Sample& now, const Sample& before, double seconds) {
  const auto rate = [&](std::uint64_t count) { return static_cast<double>(count) / seconds; };
  json rates = counts_of(now, before, rate);
  json& by_vcpu = rates["walks_by_vcpu"] = json::array();
  for (std::size_t i = 0; i < now.vcpus.size(); ++i)
    by_vcpu.push_back(rate(now.vcpus[i].walks - before.vcpus[i].walks));
  return rates;
}

/// Of what was recorded in the window so far.
void add_latencies(json& object, const char* name, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  object[name] = {{"count", histogram.count()},
                  {"p50", histogram.quantile(0.5)},
                  {"p99", histogram.quantile(0.99)},
                  {"max", histogram.max()}};
}

}  // namespace

std::string sparkline(std::span<const std::uint64_t> values, std::size_t columns, Blocks blocks) {
  const auto& characters = blocks == Blocks::unicode ? kUnicodeBlocks : kAsciiBlocks;
  const std::size_t most = characters.size() - 1;
  if (values.empty() || columns == 0) return {};
  const std::uint64_t greatest = *std::ranges::max_element(values);
  columns = std::min(columns, values.size());
  std::string line;
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t begin = i * values.size() / columns;
    const std::size_t end = (i + 1) * values.size() / columns;
    const std::uint64_t value = *std::max_element(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                                  values.begin() + static_cast<std::ptrdiff_t>(end));
    const double height = greatest == 0 ? 0 : static_cast<double>(value) / static_cast<double>(greatest);
    const auto full = static_cast<std::size_t>(height * static_cast<double>(most));
    line += characters[value == 0 ? 0 : std::max<std::size_t>(1, full)];  // what is not 0 is visible
  }
  return line;
}

std::vector<std::string> lines_of(const Frame& frame, std::size_t columns, Blocks blocks) {
  return Lines(frame, columns, blocks).all();
}

std::string json_of(const Frame& frame) {
  json object = {{"id", frame.run.id}, {"phase", frame.phase}, {"at_ns", frame.at_ns}};
  if (frame.run.cell) object["name"] = frame.run.cell->name;
  if (frame.run.run) object["number"] = frame.run.run->number;
  if (!frame.why_no_counters.empty()) object["unavailable"] = frame.why_no_counters;
  if (frame.now) {
    const Sample& now = *frame.now;
    object["totals"] = counts_of(now, Sample(), std::identity());
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
  return object.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace shadowwalk::top
