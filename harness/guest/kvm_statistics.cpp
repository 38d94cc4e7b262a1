#include "harness/guest/kvm_statistics.hpp"

#include <fmt/core.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

// Far beyond what a kernel has (about 60 names of at most 48 bytes), and small enough to add without overflow.
constexpr std::uint64_t kMostDescriptors = 4096;
constexpr std::uint64_t kLongestName = 1024;

/// kvm_stats_desc without its name: in C++, some versions of the header give that struct another size.
struct Descriptor {
  std::uint32_t flags;
  std::int16_t exponent;
  std::uint16_t size;  ///< in values of 8 bytes
  std::uint32_t offset;
  std::uint32_t bucket_size;
};
static_assert(sizeof(Descriptor) == 16);

[[noreturn]] void fail(const std::string& what) { throw CellError("KVM statistics: " + what); }

/// A structure at `offset`; the kernel promises no alignment.
template <class Structure>
Structure copy_at(std::span<const std::byte> file, std::uint64_t offset, const char* what) {
  if (offset > file.size() || file.size() - offset < sizeof(Structure)) {
    fail(fmt::format("{} at offset {} is beyond the end ({} bytes)", what, offset, file.size()));
  }
  Structure structure;
  std::memcpy(&structure, file.data() + offset, sizeof structure);
  return structure;
}

std::string name_at(std::span<const std::byte> file, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || file.size() - offset < size) fail(fmt::format("a name at offset {} is cut off", offset));
  const std::string_view field(reinterpret_cast<const char*>(file.data() + offset), size);
  const std::size_t end = field.find('\0');
  if (end == std::string_view::npos) fail(fmt::format("the name at offset {} does not end", offset));
  if (end == 0) fail(fmt::format("the name at offset {} is empty", offset));
  return std::string(field.substr(0, end));
}

/// Empty for histograms, and for kinds that are younger than this code.
std::optional<StatisticKind> kind_of(std::uint32_t flags) {
  switch (flags & KVM_STATS_TYPE_MASK) {
    case KVM_STATS_TYPE_CUMULATIVE:
      return StatisticKind::cumulative;
    case KVM_STATS_TYPE_INSTANT:
      return StatisticKind::instant;
    case KVM_STATS_TYPE_PEAK:
      return StatisticKind::peak;
    default:
      return std::nullopt;
  }
}

std::string unit_of(const Descriptor& descriptor) {
  const std::uint32_t unit = descriptor.flags & KVM_STATS_UNIT_MASK;
  const char* name = unit == KVM_STATS_UNIT_NONE      ? ""
                     : unit == KVM_STATS_UNIT_BYTES   ? "bytes"
                     : unit == KVM_STATS_UNIT_SECONDS ? "s"
                     : unit == KVM_STATS_UNIT_CYCLES  ? "cycles"
                     : unit == KVM_STATS_UNIT_BOOLEAN ? "boolean"
                                                      : "unknown unit";
  if (descriptor.exponent == 0) return name;
  const bool binary = (descriptor.flags & KVM_STATS_BASE_MASK) == KVM_STATS_BASE_POW2;
  if (unit == KVM_STATS_UNIT_SECONDS && !binary && descriptor.exponent == -9) return "ns";
  return fmt::format("{}^{}{}{}", binary ? 2 : 10, descriptor.exponent, *name == '\0' ? "" : " ", name);
}

constexpr std::size_t kLargestFile = 1u << 20;

std::vector<std::byte> contents(int fd) {
  std::vector<std::byte> bytes(16u << 10);
  for (std::size_t size = 0;;) {
    const ssize_t got = pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;  // IPIs interrupt any thread that is a CPU
    if (got < 0) fail(fmt::format("read: {}", strerror(errno)));
    size += static_cast<std::size_t>(got);
    if (got == 0) {
      bytes.resize(size);
      return bytes;
    }
    if (size < bytes.size()) continue;
    if (size >= kLargestFile) fail("the file does not end");
    bytes.resize(2 * size);
  }
}

}  // namespace

const char* name_of(StatisticKind kind) {
  constexpr const char* kNames[] = {"cumulative", "instant", "peak"};
  return kNames[static_cast<std::size_t>(kind)];
}

KvmStatisticValues parse_kvm_statistics(std::span<const std::byte> file) {
  const auto header = copy_at<kvm_stats_header>(file, 0, "the header");
  if (header.num_desc > kMostDescriptors) fail(fmt::format("{} descriptors cannot be", header.num_desc));
  if (header.name_size == 0 || header.name_size > kLongestName) {
    fail(fmt::format("names of {} bytes cannot be", header.name_size));
  }
  KvmStatisticValues values;
  const std::uint64_t stride = sizeof(Descriptor) + header.name_size;
  for (std::uint64_t i = 0; i < header.num_desc; ++i) {
    const std::uint64_t at = header.desc_offset + i * stride;
    const auto descriptor = copy_at<Descriptor>(file, at, "a descriptor");
    const std::string name = name_at(file, at + sizeof descriptor, header.name_size);
    const std::optional<StatisticKind> kind = kind_of(descriptor.flags);
    if (!kind || descriptor.size != 1) continue;
    const auto value =
        copy_at<std::uint64_t>(file, std::uint64_t{header.data_offset} + descriptor.offset, name.c_str());
    const bool is_new = values.try_emplace(name, KvmStatistic{*kind, unit_of(descriptor), value}).second;
    if (!is_new) fail(fmt::format("'{}' is there twice", name));
  }
  return values;
}

void add_kvm_statistics(KvmStatisticValues& sum, const KvmStatisticValues& part) {
  for (const auto& [name, statistic] : part) {
    const auto [place, is_new] = sum.try_emplace(name, statistic);
    if (is_new) continue;
    std::uint64_t& total = place->second.value;
    total = statistic.kind == StatisticKind::peak ? std::max(total, statistic.value) : total + statistic.value;
  }
}

std::map<std::string, KvmStatisticChange> difference(const KvmStatisticValues& before,
                                                     const KvmStatisticValues& after) {
  std::map<std::string, KvmStatisticChange> changes;
  for (const auto& [name, last] : after) {
    const auto first = before.find(name);
    if (first == before.end()) continue;
    changes[name] = {.kind = last.kind, .unit = last.unit, .before = first->second.value, .after = last.value};
  }
  return changes;
}

namespace kvm {

KvmStatisticsReader::KvmStatisticsReader(const std::vector<int>& fds) : unavailable_() {
  for (const int fd : fds) {
    FileDescriptor file(ioctl(fd, KVM_GET_STATS_FD, 0));
    if (file.get() < 0) {
      unavailable_ = errno == ENOTTY || errno == EINVAL ? std::string("the kernel has no KVM_GET_STATS_FD (Linux 5.14)")
                                                        : fmt::format("KVM_GET_STATS_FD: {}", strerror(errno));
      files_.clear();
      return;
    }
    files_.push_back(std::move(file));
  }
}

KvmStatistics KvmStatisticsReader::read() const {
  KvmStatistics statistics{.values = {}, .unavailable = unavailable_};
  try {
    for (const FileDescriptor& file : files_) {
      add_kvm_statistics(statistics.values, parse_kvm_statistics(contents(file.get())));
    }
  } catch (const CellError& error) {
    return {.values = {}, .unavailable = error.what()};
  }
  return statistics;
}

}  // namespace kvm
}  // namespace shadowwalk
