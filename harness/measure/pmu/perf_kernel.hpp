#pragma once

#include <linux/perf_event.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "harness/measure/pmu/event_list.hpp"

namespace shadowwalk::pmu {

/// The kernel's perf calls as counters need them: an interface, so that tests can group events on a PMU with any number
/// of counters. File descriptors are >= 0; a failure is -errno.
class PerfKernel {
 public:
  virtual ~PerfKernel() = default;

  /// perf_event_open for the calling thread on any CPU; `group` is the leader's descriptor or -1.
  virtual int open(const perf_event_attr& attributes, int group) = 0;
  virtual void close(int fd) = 0;
  /// The number by which a group's read names this event; 0 if it cannot be had.
  virtual std::uint64_t id(int fd) = 0;
  /// Starts and stops a whole group; any thread may call them.
  virtual void enable(int leader) = 0;
  virtual void disable(int leader) = 0;
  /// Fills `words` with what the descriptor's read_format says; returns how many came, or -errno.
  virtual int read(int fd, std::span<std::uint64_t> words) = 0;
  /// The event's page for self-reading; nullptr if it cannot be mapped.
  virtual const perf_event_mmap_page* map(int fd) = 0;
  virtual void unmap(const perf_event_mmap_page* page) = 0;

  /// The real one. Thread-safe.
  static PerfKernel& real();
};

/// The facts about the machine that explain why perf_event_open refused.
struct OpenFacts {
  bool has_core_pmu = false;
  std::optional<int> paranoid;  ///< kernel.perf_event_paranoid; nothing if it cannot be read
};

OpenFacts open_facts(const SystemPaths& paths = {});

/// The paranoid level at which anyone may open the event: 2 for user code alone, 1 for what counts the kernel too.
int paranoid_needed(const EncodedEvent& event);

/// perf_event_open's errno in words, with the command that remedies it if there is one. Pure.
std::string explain_open_failure(int error, const EncodedEvent& event, const OpenFacts& facts);

}  // namespace shadowwalk::pmu
