#include "harness/guest/kvm_statistics_reader.hpp"

#include <fmt/core.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "harness/machine/error.hpp"

namespace shadowwalk::kvm {
namespace {

constexpr std::size_t kLargestFile = 1u << 20;

std::vector<std::byte> contents(int fd) {
  std::vector<std::byte> bytes(16u << 10);
  for (std::size_t size = 0;;) {
    const ssize_t got = pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;  // IPIs interrupt any thread that is a CPU
    if (got < 0) throw CellError(fmt::format("KVM statistics: read: {}", strerror(errno)));
    size += static_cast<std::size_t>(got);
    if (got == 0) {
      bytes.resize(size);
      return bytes;
    }
    if (size < bytes.size()) continue;
    if (size >= kLargestFile) throw CellError("KVM statistics: the file does not end");
    bytes.resize(2 * size);
  }
}

}  // namespace

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

}  // namespace shadowwalk::kvm
