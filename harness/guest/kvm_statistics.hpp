// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/guest/kvm_handle.hpp"

/// The kernel's own counts of what a guest did to it, as KVM_GET_STATS_FD tells them (Linux 5.14).
namespace shadowwalk {

enum class StatisticKind {
  cumulative,  ///< only grows: of interest is the difference
  instant,     ///< goes up and down: of interest is the value, before and after
  peak         ///< the greatest value so far
};

/// "cumulative", "instant" or "peak".
const char* name_of(StatisticKind kind);

struct KvmStatistic {
  StatisticKind kind = StatisticKind::cumulative;
  std::string unit;  ///< "" (a count), "bytes", "ns", "cycles", "boolean"; rarer ones as "10^-7 s", "2^12 bytes"
  std::uint64_t value = 0;
  friend bool operator==(const KvmStatistic&, const KvmStatistic&) = default;
};

/// By the kernel's names ("exits", "pages_4k", "mmu_shadow_zapped"). Histograms (halt polling's) are left out.
using KvmStatisticValues = std::map<std::string, KvmStatistic>;

/// What a guest tells about itself. Values of the VM and of all its vCPUs are added up, peaks are the greatest.
struct KvmStatistics {
  KvmStatisticValues values;
  std::string unavailable;  ///< why there are none; empty: `values` holds
};

/// The contents of one statistics file: header, descriptors and data, as <linux/kvm.h> lays them out. Throws CellError
/// that says what is wrong with it.
KvmStatisticValues parse_kvm_statistics(std::span<const std::byte> file);

/// Adds those of a vCPU, or of the VM, to `sum`.
void add_kvm_statistics(KvmStatisticValues& sum, const KvmStatisticValues& part);

/// One statistic over a window.
struct KvmStatisticChange {
  StatisticKind kind = StatisticKind::cumulative;
  std::string unit;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  /// Negative if somebody reset the kernel's counter meanwhile (its debugfs can).
  std::int64_t delta() const { return static_cast<std::int64_t>(after - before); }
};

/// Over a window; what only one of the two has is left out.
std::map<std::string, KvmStatisticChange> difference(const KvmStatisticValues& before, const KvmStatisticValues& after);

namespace kvm {

/// The statistics files of a VM and its vCPUs, opened once: KVM_GET_STATS_FD waits for a vCPU that runs, reading the
/// file does not. Where the kernel has none, or descriptors run out, there are no statistics; nothing throws.
class KvmStatisticsReader {
 public:
  KvmStatisticsReader() = default;
  /// Before the vCPUs run. `fds` are the VM's and the vCPUs'.
  explicit KvmStatisticsReader(const std::vector<int>& fds);

  /// Any thread, while vCPUs run too: each value is current, together they are of no one moment.
  KvmStatistics read() const;

 private:
  std::vector<FileDescriptor> files_;
  std::string unavailable_ = "not opened";
};

}  // namespace kvm
}  // namespace shadowwalk
