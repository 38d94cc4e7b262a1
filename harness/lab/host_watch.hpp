#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "harness/guest/guest.hpp"
#include "harness/measure/noise.hpp"

namespace shadowwalk {

/// What the host's kernel reported of memory and of the guest, before and after the window.
struct HostChange {
  template <class T>
  struct BeforeAfter {
    T before;
    T after;
  };

  BeforeAfter<std::uint64_t> rss_bytes{};                           ///< 0: /proc has none
  std::optional<BeforeAfter<std::uint64_t>> sec_page_tables_bytes;  ///< of the whole host; Linux 6.1
  std::map<std::string, KvmStatisticChange> kvm_statistics;         ///< empty: `kvm_statistics_missing`
  std::string kvm_statistics_missing;
};

/// Reads a few files of /proc before and after the window, on a thread that neither walks nor zaps.
class HostWatch {
 public:
  explicit HostWatch(Guest& guest) : HostWatch([&guest] { return guest.statistics(); }) {}
  explicit HostWatch(std::function<KvmStatistics()> kvm_statistics) : kvm_statistics_(std::move(kvm_statistics)) {}
  void start() { before_ = snapshot(); }
  /// Fills in what else the host did: `noise`'s steal and other load, over its duration.
  HostChange finish(Noise& noise) const;

 private:
  struct Snapshot {
    HostActivity activity;
    std::uint64_t rss_bytes = 0;
    std::optional<std::uint64_t> sec_page_tables_bytes;
    KvmStatistics kvm;
  };
  Snapshot snapshot() const;

  std::function<KvmStatistics()> kvm_statistics_;
  Snapshot before_;
};

}  // namespace shadowwalk
