#include "harness/lab/event_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/measure/pmu/thread_counters.hpp"

namespace shadowwalk {
namespace {

/// One thread's count of one event over its whole window, and over its bursts or zaps where they were read.
struct ThreadCount {
  pmu::CounterReading reading;
  std::optional<double> of_work;  ///< scaled to all its bursts or zaps
  bool has_work = false;
};

/// The parts of one event, thread by thread; a thread that could not open it has none.
class EventParts {
 public:
  using Readings = std::vector<std::vector<pmu::CounterReading>>;  ///< thread by thread

  EventParts(const std::vector<ThreadPart>& threads, const Readings& readings, std::size_t event) {
    for (std::size_t i = 0; i < threads.size(); ++i) {
      for (const pmu::CounterReading& reading : readings[i]) {
        if (reading.event == event) parts_.push_back(part_of(threads[i], reading));
      }
    }
    complete_ = parts_.size() == threads.size();
  }

  /// Every thread of the role could open the event.
  bool complete() const { return complete_; }
  const std::vector<ThreadCount>& all() const { return parts_; }

  /// Every thread that did work saw some of it: then it is the work that was counted.
  bool counts_work() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const ThreadCount& part) { return part.has_work; }) &&
           std::all_of(parts_.begin(), parts_.end(),
                       [](const ThreadCount& part) { return part.of_work || !part.has_work; });
  }

 private:
  static ThreadCount part_of(const ThreadPart& thread, const pmu::CounterReading& reading) {
    ThreadCount part{.reading = reading, .of_work = std::nullopt, .has_work = thread.units != 0};
    if (thread.events->stretches() == nullptr) return part;
    const auto& members = thread.events->counters()->groups()[reading.group].events;
    const auto& totals = thread.events->stretches()->totals()[reading.group];
    const auto member =
        static_cast<std::size_t>(std::find(members.begin(), members.end(), reading.event) - members.begin());
    part.of_work = pmu::scale(static_cast<double>(totals.counts[member]), thread.units, totals.seen_units).estimate;
    return part;
  }

  std::vector<ThreadCount> parts_;
  bool complete_ = false;
};

bool grows_whenever_a_cpu_runs(std::string_view event) {
  return event == "cycles" || event == "instructions" || event == "ref-cycles";
}

}  // namespace

void EventCounts::refuse(const std::string& event, const std::string& reason) {
  const bool known =
      std::any_of(refused.begin(), refused.end(), [&](const pmu::Refusal& refusal) { return refusal.event == event; });
  if (!known) refused.push_back({event, reason});
}

void EventCounts::add(const pmu::EncodedEvent& event, EventCount sum, bool counted_by_all, double whole_count) {
  if (!counted_by_all) {
    return refuse(event.name,
                  fmt::format("never on the PMU in the window ({}): others hold its counters, fewer events would "
                              "fit, or the threads ran on CPUs of another PMU (P-cores and E-cores)",
                              sum.role));
  }
  if (whole_count == 0 && sum.running_ns != 0 && grows_whenever_a_cpu_runs(event.name)) {
    return refuse(event.name, fmt::format("0 while the threads ran ({}): the PMU of their CPUs counts nothing, as "
                                          "on some E-cores and under some hypervisors",
                                          sum.role));
  }
  sum.event = event.name;
  sum.set = event.set;
  sum.encoded = event.encoded;
  sum.unit = event.unit;
  sum.count *= event.scale;
  sum.multiplexed = pmu::scale(0, sum.enabled_ns, sum.running_ns).multiplexed;
  counts.push_back(std::move(sum));
}

void add_role(EventCounts& counts, const Role& role, const std::vector<ThreadPart>& threads) {
  if (threads.empty()) return;
  EventParts::Readings readings;
  for (const ThreadPart& thread : threads) {
    if (thread.events->counters() == nullptr)
      return;  // no event was asked for, or the thread failed before it opened one
    readings.push_back(thread.events->counters()->read());
    for (const pmu::Refusal& refusal : thread.events->counters()->refused()) {
      counts.refuse(refusal.event, refusal.reason);
    }
  }
  const std::vector<pmu::EncodedEvent>& events = threads.front().events->selection().events;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const EventParts parts(threads, readings, i);
    if (!parts.complete()) continue;  // refused, by its own reason
    const bool of_work = parts.counts_work();
    EventCount sum;
    sum.role = role.name;
    sum.scope = of_work ? role.work : kWholeThreads;
    bool counted = true;
    double whole_count = 0;  // not of the work alone
    for (const ThreadCount& part : parts.all()) {
      const pmu::CounterReading& reading = part.reading;
      if (reading.enabled_ns == 0) continue;  // the thread did nothing in the window
      const auto whole =
          pmu::scale(static_cast<double>(reading.count), reading.enabled_ns, reading.running_ns).estimate;
      const std::optional<double> count = !of_work ? whole : part.has_work ? part.of_work : 0.0;
      counted = counted && count.has_value();
      whole_count += whole.value_or(0);
      sum.count += count.value_or(0);
      sum.enabled_ns += reading.enabled_ns;
      sum.running_ns += reading.running_ns;
      sum.group = reading.group;
    }
    counts.add(events[i], std::move(sum), counted, whole_count);
  }
}

}  // namespace shadowwalk
