#include "harness/measure/pmu/thread_counters.hpp"

#include <cerrno>
#include <chrono>
#include <map>

#include "harness/measure/pmu/self_reading.hpp"

namespace shadowwalk::pmu {
namespace {

// A group's read: how many, enabled, running, then a value and an id for each.
constexpr std::size_t kEnabledWord = 1;
constexpr std::size_t kRunningWord = 2;
constexpr std::size_t kHeaderWords = 3;
constexpr std::uint64_t kReadFormat =
    PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;

/// Events with the same key may share groups. The core's PMU has several types.
std::uint32_t group_key(const EncodedEvent& event) {
  return event.kind == EventKind::core ? static_cast<std::uint32_t>(PERF_TYPE_HARDWARE) : event.attributes.type;
}

/// A PMU of other cores in the same machine (P and E cores) cannot share a group with this one's.
bool may_share(const EncodedEvent& a, const EncodedEvent& b) {
  if (group_key(a) != group_key(b)) return false;
  const auto own_type = [](const EncodedEvent& event) { return event.attributes.type >= PERF_TYPE_MAX; };
  return !(own_type(a) && own_type(b)) || a.attributes.type == b.attributes.type;
}

bool does_not_fit(int result) { return result == -EINVAL || result == -ENOSPC; }

}  // namespace

ThreadCounters::ThreadCounters(std::span<const EncodedEvent> events, PerfKernel& kernel, const OpenFacts& facts)
    : kernel_(kernel), events_(events.begin(), events.end()), facts_(facts) {
  std::vector<std::vector<std::size_t>> shares;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const auto share =
        std::ranges::find_if(shares, [&](const auto& one) { return may_share(events_[one.front()], events_[i]); });
    (share == shares.end() ? shares.emplace_back() : *share).push_back(i);
  }
  for (std::vector<std::size_t>& share : shares) open_groups(std::move(share));
}

ThreadCounters::~ThreadCounters() {
  for (Group& group : groups_) {
    for (const perf_event_mmap_page* page : group.pages) {
      if (page != nullptr) kernel_.unmap(page);
    }
    while (!group.fds.empty()) pop_last(group);
  }
}

void ThreadCounters::open_groups(std::vector<std::size_t> events) {
  while (!events.empty()) {
    Group group;
    std::vector<std::size_t> left;
    for (const std::size_t event : events) {
      perf_event_attr attributes = events_[event].attributes;
      attributes.read_format = kReadFormat;
      attributes.disabled = group.fds.empty() ? 1 : 0;  // members follow their leader
      const int fd = kernel_.open(attributes, group.fds.empty() ? -1 : group.fds.front());
      if (fd >= 0) {
        group.events.push_back(event);
        group.fds.push_back(fd);
        group.ids.push_back(kernel_.id(fd));
      } else if (!group.fds.empty() && does_not_fit(fd)) {
        left.push_back(event);  // it may fit alone: the error that it gets as a leader is final
      } else {
        refused_.push_back({events_[event].name, explain_open_failure(-fd, events_[event], facts_)});
      }
    }
    // Other users (the NMI watchdog, another perf) may hold counters, which the kernel's check of a group's size
    // ignores.
    while (group.fds.size() > 1 && !is_scheduled(group)) {
      left.insert(left.begin(), group.events.back());
      pop_last(group);
    }
    for (const int fd : group.fds) group.pages.push_back(kHasRdpmc ? kernel_.map(fd) : nullptr);
    if (!group.fds.empty()) groups_.push_back(std::move(group));
    events = std::move(left);
  }
}

bool ThreadCounters::is_scheduled(const Group& group) {
  if (events_[group.events.front()].kind != EventKind::core) return true;  // software is never short of counters
  constexpr std::chrono::milliseconds kPatience{2};
  kernel_.enable(group.fds.front());
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  bool scheduled = false;
  do {
    const auto words = read_words(group);
    scheduled = words.empty() || words[kRunningWord] != 0;  // unreadable: splitting would not help
  } while (!scheduled && std::chrono::steady_clock::now() < give_up);
  kernel_.disable(group.fds.front());
  return scheduled;
}

void ThreadCounters::pop_last(Group& group) {
  kernel_.close(group.fds.back());
  group.fds.pop_back();
  group.events.pop_back();
  group.ids.pop_back();
}

std::vector<std::uint64_t> ThreadCounters::read_words(const Group& group) const {
  std::vector<std::uint64_t> words(kHeaderWords + 2 * group.fds.size());
  const int got = kernel_.read(group.fds.front(), words);
  return got == static_cast<int>(words.size()) ? words : std::vector<std::uint64_t>{};
}

void ThreadCounters::enable() {
  for (Group& group : groups_) {
    group.baseline = read_words(group);
    kernel_.enable(group.fds.front());
    group.self_readable =
        std::ranges::all_of(group.pages, [](const auto* page) { return page != nullptr && page->cap_user_rdpmc != 0; });
  }
}

void ThreadCounters::disable() {
  for (const Group& group : groups_) kernel_.disable(group.fds.front());
}

std::vector<CounterReading> ThreadCounters::read() const {
  std::vector<CounterReading> readings;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const Group& group = groups_[i];
    const std::vector<std::uint64_t> words = read_words(group);
    const bool readable = !words.empty() && group.baseline.size() == words.size();
    std::map<std::uint64_t, std::uint64_t> by_id;
    for (std::size_t k = kHeaderWords; readable && k + 1 < words.size(); k += 2) {
      by_id[words[k + 1]] = words[k] - group.baseline[k];
    }
    for (std::size_t member = 0; member < group.events.size(); ++member) {
      CounterReading reading{.event = group.events[member], .group = i};
      if (readable) {
        reading.count = by_id[group.ids[member]];
        reading.enabled_ns = words[kEnabledWord] - group.baseline[kEnabledWord];
        reading.running_ns = words[kRunningWord] - group.baseline[kRunningWord];
      }
      readings.push_back(reading);
    }
  }
  return readings;
}

}  // namespace shadowwalk::pmu
