#pragma once

#include <sys/types.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "harness/measure/live_counters.hpp"
#include "harness/os/file_descriptor.hpp"

namespace shadowwalk {

/// Unmaps the memory that the two classes below have mapped for counters.
struct UnmapCounters {
  void operator()(const LiveCounters* counters) const;
};

/// LiveCounters in memory that other processes may map for reading: a sealed memfd, which needs no file system,
/// vanishes with the process however that ends, and costs the counting process nothing until another process reads. One
/// per process, made before its threads.
class SharedCounters {
 public:
  /// Never fails: if the kernel refuses a memfd the counters are private, and why_private() says why.
  SharedCounters();

  LiveCounters& counters() { return *counters_; }
  /// The descriptor that others open as /proc/PID/fd/N; -1: private.
  int fd() const { return fd_.get(); }
  const std::string& why_private() const { return why_private_; }

 private:
  std::string why_private_;
  os::FileDescriptor fd_;
  std::unique_ptr<LiveCounters, UnmapCounters> counters_;
};

/// Another process's counters, to read. They stay readable after it has ended.
class ForeignCounters {
 public:
  /// Why they cannot be read, in words that follow "its counters cannot be read: ".
  class Unreadable : public std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// Throws Unreadable: the process is gone or another user's, or its counters are of another layout than this build's.
  ForeignCounters(pid_t pid, int fd);

  const LiveCounters& counters() const { return *counters_; }

 private:
  std::unique_ptr<const LiveCounters, UnmapCounters> counters_;
};

}  // namespace shadowwalk
