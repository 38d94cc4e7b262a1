#include "harness/timeline/spans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk::timeline {
namespace {

const char* phase_name(std::uint64_t phase) {
  switch (static_cast<CellPhase>(phase)) {
    case CellPhase::warmup:
      return "warm-up";
    case CellPhase::measure:
      return "measure";
    case CellPhase::drain:
      return "drain";
  }
  return "?";
}

const char* fault_kind(std::uint32_t kind) { return kind == 0 ? "read" : kind == 1 ? "write" : "MMIO"; }

/// Pairs the starts and ends in a thread's records.
class Pairing {
 public:
  void take(const Record& record) {
    switch (record.probe) {
      case Probe::phase:
        close(phase_, record.ticks, "");
        return open(phase_, record, phase_name(record.a));
      case Probe::zap__start:
        close(host_, record.ticks, host_args_);  // a replayed vCPU's own zap: its walks are over
        return open(zap_, record, "zap");
      case Probe::zap__done:
        return close(
            zap_, record.ticks,
            fmt::format(R"("pages":{},"leaves":{},"late_us":{:.3f})", record.a, record.b, in_us(zap_.record.a)));
      case Probe::zap__empty:
        zap_.name = "zap (found nothing)";
        return close(zap_, record.ticks, fmt::format(R"("late_us":{:.3f})", in_us(zap_.record.a)));
      case Probe::commit__start:
        return open(commit_, record, "commit");
      case Probe::commit__done:
        return close(commit_, record.ticks, fmt::format(R"("pages":{})", record.a));
      case Probe::delay__free__pages:
        return moment(record, "delay_free_pages", fmt::format(R"("pages":{})", record.a));
      case Probe::page__retire:
        return span(record.ticks, record.ticks + record.c, "retire", fmt::format(R"("pages":{})", record.a));
      case Probe::page__free:
        return span(record.ticks, record.ticks + record.c, "free",
                    fmt::format(R"("pages":{},"longest_us":{:.3f})", record.a, in_us(record.b)));
      case Probe::ipi__send:
        if (!ipis_.is_open) open(ipis_, record, "IPIs");
        return;
      case Probe::ipi__done:
        return close(ipis_, record.ticks, fmt::format(R"("sent":{})", record.a));
      case Probe::ipi__ack:
        // The handler's duration is unknown; an arrow needs a span to end on.
        return span(record.ticks, record.ticks + std::max<std::uint64_t>(1, CycleClock::from_ns(1)), "IPI ack",
                    fmt::format(R"("number":{})", record.a));
      case Probe::grace__start:
        return open(grace_, record, "grace period");
      case Probe::grace__done:
        return close(grace_, record.ticks, fmt::format(R"("number":{})", record.a));
      case Probe::vcpu__entry:
        close(host_, record.ticks, host_args_);
        return open(guest_, record, "guest");
      case Probe::vcpu__exit:
        close(guest_, record.ticks, fmt::format(R"("accesses":{})", record.a));
        return leave(record, "walks", fmt::format(R"("accesses":{})", record.a), record.a != 0);
      case Probe::vcpu__halt:
        close(host_, record.ticks, host_args_);
        return leave(record, "halt", fmt::format(R"("asked_us":{:.3f})", in_us(record.a)), true);
      case Probe::walker__stall:
        return span(before(record, record.a), record.ticks, "stall", "");
      case Probe::fault:
        return span(before(record, record.b), record.ticks, "fault",
                    fmt::format(R"("gfn":"{:#x}","kind":"{}")", record.a, fault_kind(record.c)));
      case Probe::violation:
        return moment(record, "violation", fmt::format(R"("gfn":"{:#x}","spte":"{:#018x}")", record.a, record.b));
    }
  }

  Activity finish(std::uint64_t last, std::uint64_t end) {
    close(host_, last, host_args_);
    close(guest_, last, "");
    close(ipis_, last, "");
    close(phase_, end, "");
    // Inner spans ended before outer ones: sort by start.
    std::ranges::stable_sort(activity_.spans, [](const Span& one, const Span& other) {
      return std::pair(one.start, other.end) < std::pair(other.start, one.end);
    });
    nest(activity_.spans);
    return std::move(activity_);
  }

 private:
  struct Open {
    bool is_open = false;
    Record record;
    const char* name = "";
  };

  static double in_us(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

  static void open(Open& what, const Record& record, const char* name) { what = {true, record, name}; }
  void close(Open& what, std::uint64_t at, std::string args) {
    if (what.is_open) span(what.record.ticks, at, what.name, std::move(args));
    what.is_open = false;
  }
  /// Opens what the vCPU does until it enters the guest again.
  void leave(const Record& record, const char* name, std::string args, bool is_something) {
    if (is_something) open(host_, record, name);
    host_args_ = std::move(args);
  }
  void span(std::uint64_t start, std::uint64_t end, const char* name, std::string args) {
    activity_.spans.push_back({start, end, name, std::move(args)});
  }
  void moment(const Record& record, const char* name, std::string args) {
    activity_.moments.push_back({record.ticks, name, std::move(args)});
  }
  /// The start of what ended with `record` after `ns`; not before the start of its burst of walks.
  std::uint64_t before(const Record& record, std::uint64_t ns) const {
    const std::uint64_t start = record.ticks - std::min(record.ticks, CycleClock::from_ns(static_cast<double>(ns)));
    return host_.is_open ? std::max(start, host_.record.ticks) : start;
  }

  Activity activity_;
  Open phase_, zap_, commit_, ipis_, grace_, guest_, host_;
  std::string host_args_;
};

struct Ack {
  std::uint64_t number = 0;
  std::uint64_t ticks = 0;
};

/// The acknowledgements of one thread, by number.
std::vector<Ack> acks_in(const std::vector<Record>& records) {
  std::vector<Ack> acks;
  for (const Record& record : records) {
    if (record.probe == Probe::ipi__ack) acks.push_back({record.a, record.ticks});
  }
  std::ranges::sort(acks, {}, &Ack::number);
  return acks;
}

struct Change {
  std::uint64_t at = 0;
  std::int64_t pages = 0;
};

}  // namespace

Activity activity_of(std::span<const Record> records, std::uint64_t end) {
  Pairing pairing;
  for (const Record& record : records) pairing.take(record);
  return pairing.finish(records.empty() ? end : records.back().ticks, end);
}

void nest(std::vector<Span>& spans) {
  std::vector<std::uint64_t> ends;  // of the spans around
  for (Span& span : spans) {
    while (!ends.empty() && ends.back() <= span.start) ends.pop_back();
    if (!ends.empty()) span.end = std::min(span.end, ends.back());
    ends.push_back(span.end);
  }
}

std::vector<IpiPair> pair_ipis(std::span<const std::unique_ptr<Track>> tracks,
                               const std::vector<std::vector<Record>>& records) {
  std::map<std::uint64_t, std::size_t> track_of;  // by tid
  std::vector<std::vector<Ack>> acks;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    track_of[static_cast<std::uint64_t>(tracks[i]->tid)] = i;
    acks.push_back(acks_in(records[i]));
  }
  std::vector<IpiPair> pairs;
  for (std::size_t sender = 0; sender < tracks.size(); ++sender) {
    for (const Record& record : records[sender]) {
      if (record.probe != Probe::ipi__send) continue;
      const auto target = track_of.find(record.a);
      if (target == track_of.end()) continue;
      const std::vector<Ack>& candidates = acks[target->second];
      // The first one that answers this number; if older ones were dropped, the first one kept may answer other IPIs.
      const auto ack = std::ranges::lower_bound(candidates, record.b, {}, &Ack::number);
      if (ack == candidates.end() || ack->ticks < record.ticks) continue;
      if (ack == candidates.begin() && tracks[target->second]->seldom.has_dropped()) continue;
      pairs.push_back({sender, record.ticks, target->second, ack->ticks});
    }
  }
  return pairs;
}

std::vector<Level> unreclaimed_pages(std::span<const std::unique_ptr<Track>> tracks,
                                     const std::vector<std::vector<Record>>& records) {
  std::int64_t level = 0;
  std::uint64_t complete = 0;
  std::vector<Change> changes;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const Ring& ring = tracks[i]->seldom;
    level += static_cast<std::int64_t>(ring.dropped(Probe::page__retire) - ring.dropped(Probe::page__free));
    if (ring.has_dropped()) complete = std::max(complete, ring.in_order().front().ticks);
    for (const Record& record : records[i]) {
      if (record.probe == Probe::page__retire) changes.push_back({record.ticks, static_cast<std::int64_t>(record.a)});
      if (record.probe == Probe::page__free) {
        changes.push_back({record.ticks + record.c, -static_cast<std::int64_t>(record.a)});
      }
    }
  }
  std::ranges::stable_sort(changes, {}, &Change::at);
  std::vector<Level> levels;
  for (const Change& change : changes) {
    level += change.pages;
    // Not negative: clocks of two CPUs may differ a little, but no page is freed before it is unlinked.
    if (change.at >= complete)
      levels.push_back({change.at, static_cast<std::uint64_t>(std::max<std::int64_t>(0, level))});
  }
  return levels;
}

}  // namespace shadowwalk::timeline
