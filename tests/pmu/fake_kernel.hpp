#pragma once

#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "harness/measure/pmu/perf_kernel.hpp"

namespace shadowwalk::pmu {

inline constexpr OpenFacts kBareMetal{.has_core_pmu = true, .paranoid = 2};

/// A kernel whose PMU has `counters` counters, of which `held` are in other hands: groups that are larger than all
/// counters are refused, groups that are larger than the free ones never run. Its time passes at each read and
/// at each stop. A config of kNoSuchEvent does not exist.
class FakeKernel final : public PerfKernel {
 public:
  static constexpr std::uint64_t kNoSuchEvent = 666;

  explicit FakeKernel(std::size_t counters, std::size_t held = 0) : counters_(counters), held_(held) {}

  int open(const perf_event_attr& attributes, int group) override {
    ++opens_[attributes.type];
    if (attributes.config == kNoSuchEvent) return -ENOENT;
    if (group >= 0 && members(group) + 1 > counters_ && attributes.type != PERF_TYPE_SOFTWARE) return -EINVAL;
    const int fd = next_fd_++;
    open_[fd] = {group < 0 ? fd : group, attributes};
    return fd;
  }
  void close(int fd) override { open_.erase(fd); }
  std::uint64_t id(int fd) override { return 1000 + static_cast<std::uint64_t>(fd); }
  void enable(int leader) override { enabled_[leader] = true; }
  void disable(int leader) override {
    if (enabled_[leader]) time_[leader] += 100;
    enabled_[leader] = false;
  }
  int read(int fd, std::span<std::uint64_t> words) override {
    const bool runs = open_.at(fd).attributes.type == PERF_TYPE_SOFTWARE || members(fd) + held_ <= counters_;
    std::uint64_t& time = time_[fd];
    if (enabled_[fd]) time += 100;
    std::size_t i = 0;
    words[i++] = members(fd);
    words[i++] = time;
    words[i++] = runs ? time - time / 4 : 0;
    for (const auto& [member, event] : open_) {
      if (event.leader != fd) continue;
      words[i++] = runs ? event.attributes.config * time : 0;
      words[i++] = id(member);
    }
    return static_cast<int>(i);
  }
  const perf_event_mmap_page* map(int) override {
    pages_.push_back(std::make_unique<perf_event_mmap_page>());
    return pages_.back().get();
  }
  void unmap(const perf_event_mmap_page*) override { ++unmapped_; }

  /// How often events of a type (PERF_TYPE_...) were opened, or tried.
  std::size_t opens(std::uint32_t type) const { return opens_.contains(type) ? opens_.at(type) : 0; }
  std::size_t open_files() const { return open_.size(); }
  std::size_t mapped_pages() const { return pages_.size() - unmapped_; }
  perf_event_mmap_page& page(std::size_t i) { return *pages_[i]; }
  perf_event_attr attributes_of(int fd) const { return open_.at(fd).attributes; }

 private:
  struct Open {
    int leader = -1;
    perf_event_attr attributes{};
  };
  std::size_t members(int leader) const {
    std::size_t count = 0;
    for (const auto& [fd, event] : open_) count += event.leader == leader ? 1 : 0;
    return count;
  }

  const std::size_t counters_;
  const std::size_t held_;
  int next_fd_ = 10;
  std::map<std::uint32_t, std::size_t> opens_;
  std::map<int, Open> open_;
  std::map<int, bool> enabled_;
  std::map<int, std::uint64_t> time_;
  std::vector<std::unique_ptr<perf_event_mmap_page>> pages_;
  std::size_t unmapped_ = 0;
};

inline EncodedEvent fake_event(std::uint64_t config, EventKind kind = EventKind::core) {
  EncodedEvent event;
  event.name = "event-" + std::to_string(config);
  event.kind = kind;
  event.attributes.type = kind == EventKind::core ? PERF_TYPE_RAW : PERF_TYPE_SOFTWARE;
  event.attributes.config = config;
  apply_privileges(event, "");
  return event;
}

}  // namespace shadowwalk::pmu
