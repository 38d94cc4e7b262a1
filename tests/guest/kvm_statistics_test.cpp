#include "harness/guest/kvm_statistics.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "harness/machine/error.hpp"
#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using test::cell_error;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kDescriptorBytes = 16;
constexpr std::uint32_t kNameBytes = 48;

struct Entry {
  std::string name;
  std::uint32_t flags;
  std::vector<std::uint64_t> values{0};
  std::int16_t exponent = 0;
};

template <class Value>
void put(std::vector<std::byte>& file, std::size_t offset, Value value) {
  if (file.size() < offset + sizeof value) file.resize(offset + sizeof value);
  std::memcpy(file.data() + offset, &value, sizeof value);
}

/// A statistics file as the kernel makes it: header, id, descriptors, data.
std::vector<std::byte> file_of(const std::vector<Entry>& entries) {
  std::vector<std::byte> file;
  const std::uint32_t descriptors = kHeaderBytes + kNameBytes;
  const auto data = static_cast<std::uint32_t>(descriptors + entries.size() * (kDescriptorBytes + kNameBytes));
  std::size_t at = 0;
  for (const std::uint32_t word : {0u, kNameBytes, static_cast<std::uint32_t>(entries.size()),
                                   static_cast<std::uint32_t>(kHeaderBytes), descriptors, data}) {
    put(file, at, word);
    at += 4;
  }
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    at = descriptors + i * (kDescriptorBytes + kNameBytes);
    put(file, at, entry.flags);
    put(file, at + 4, entry.exponent);
    put(file, at + 6, static_cast<std::uint16_t>(entry.values.size()));
    put(file, at + 8, offset);
    put(file, at + 12, std::uint32_t{0});
    file.resize(at + kDescriptorBytes + kNameBytes);
    std::memcpy(file.data() + at + kDescriptorBytes, entry.name.data(), entry.name.size());
    offset += 8 * static_cast<std::uint32_t>(entry.values.size());
  }
  at = data;
  for (const Entry& entry : entries) {
    for (const std::uint64_t value : entry.values) {
      put(file, at, value);
      at += 8;
    }
  }
  return file;
}

std::string rejection(const std::vector<std::byte>& file) {
  return cell_error([&] { parse_kvm_statistics(file); });
}

TEST(KvmStatisticsParser, KindsUnitsAndValues) {
  const auto values = parse_kvm_statistics(file_of({
      {"exits", KVM_STATS_TYPE_CUMULATIVE, {1'000'000'007}},
      {"pages_4k", KVM_STATS_TYPE_INSTANT, {12}},
      {"max_mmu_page_hash_collisions", KVM_STATS_TYPE_PEAK, {3}},
      {"halt_wait_ns", KVM_STATS_UNIT_SECONDS, {5}, -9},
      {"blocking", KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_BOOLEAN, {1}},
      {"shadow_memory", KVM_STATS_UNIT_BYTES | KVM_STATS_BASE_POW2, {2}, 10},
      {"slow", KVM_STATS_UNIT_SECONDS, {7}, -7},
      {"thousands", KVM_STATS_UNIT_NONE, {8}, 3},
      {"spent", KVM_STATS_UNIT_CYCLES, {~0ull}},
  }));
  EXPECT_THAT(values, SizeIs(9));
  EXPECT_EQ(values.at("exits"), (KvmStatistic{StatisticKind::cumulative, "", 1'000'000'007}));
  EXPECT_EQ(values.at("pages_4k"), (KvmStatistic{StatisticKind::instant, "", 12}));
  EXPECT_EQ(values.at("max_mmu_page_hash_collisions"), (KvmStatistic{StatisticKind::peak, "", 3}));
  EXPECT_EQ(values.at("halt_wait_ns"), (KvmStatistic{StatisticKind::cumulative, "ns", 5}));
  EXPECT_EQ(values.at("blocking"), (KvmStatistic{StatisticKind::instant, "boolean", 1}));
  EXPECT_EQ(values.at("shadow_memory").unit, "2^10 bytes");
  EXPECT_EQ(values.at("slow").unit, "10^-7 s");
  EXPECT_EQ(values.at("thousands").unit, "10^3");
  EXPECT_EQ(values.at("spent"), (KvmStatistic{StatisticKind::cumulative, "cycles", ~0ull}));
}

TEST(KvmStatisticsParser, HistogramsAndYoungerKindsAreLeftOut) {
  const auto values = parse_kvm_statistics(file_of({
      {"linear", KVM_STATS_TYPE_LINEAR_HIST, {1, 2, 3}},
      {"logarithmic", KVM_STATS_TYPE_LOG_HIST, {4}},
      {"of the future", 0xf, {5}},
      {"several", KVM_STATS_TYPE_CUMULATIVE, {6, 7}},
      {"exits", KVM_STATS_TYPE_CUMULATIVE, {8}},
  }));
  EXPECT_THAT(values, SizeIs(1));
  EXPECT_EQ(values.at("exits").value, 8u) << "found behind histograms of any size";
}

TEST(KvmStatisticsParser, NoDescriptorsAreNoStatistics) { EXPECT_THAT(parse_kvm_statistics(file_of({})), IsEmpty()); }

TEST(KvmStatisticsParser, TheEndOfTheNameMayBeTheEndOfItsField) {
  const std::string longest(kNameBytes - 1, 'x');
  EXPECT_EQ(parse_kvm_statistics(file_of({{longest, 0, {4}}})).at(longest).value, 4u);
}

TEST(KvmStatisticsParser, EveryTruncationIsRefused) {
  const std::vector<std::byte> whole = file_of({{"exits", 0, {1}}, {"mmio_exits", 0, {2}}});
  EXPECT_THAT(parse_kvm_statistics(whole), SizeIs(2));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(rejection(part), HasSubstr("KVM statistics: ")) << size;
  }
}

class HostileKvmStatistics : public testing::Test {
 protected:
  static constexpr std::size_t kNameSize = 4, kDescriptors = 8, kDescriptorOffset = 16, kDataOffset = 20;
  static constexpr std::size_t kFirst = kHeaderBytes + kNameBytes;

  std::string with(std::size_t offset, std::uint32_t word) const {
    std::vector<std::byte> changed = file_;
    put(changed, offset, word);
    return rejection(changed);
  }
  std::vector<std::byte> file_ = file_of({{"exits", 0, {1}}});
};

TEST_F(HostileKvmStatistics, AbsurdCounts) {
  EXPECT_THAT(with(kDescriptors, 4097), HasSubstr("4097 descriptors cannot be"));
  EXPECT_THAT(with(kDescriptors, ~0u), HasSubstr("4294967295 descriptors cannot be"));
  EXPECT_THAT(with(kDescriptors, 2), HasSubstr("beyond the end"));
  EXPECT_THAT(with(kNameSize, 0), HasSubstr("names of 0 bytes"));
  EXPECT_THAT(with(kNameSize, ~0u), HasSubstr("names of 4294967295 bytes"));
  EXPECT_THAT(with(kNameSize, 1024), HasSubstr("cut off"));
  EXPECT_THAT(with(kNameSize, 5), HasSubstr("does not end"));
}

TEST_F(HostileKvmStatistics, OffsetsOutsideTheFile) {
  for (const std::uint32_t wild : {static_cast<std::uint32_t>(file_.size()), 0x7fffffffu, 0xfffffff8u, 0xffffffffu}) {
    EXPECT_THAT(with(kDescriptorOffset, wild), HasSubstr("beyond the end")) << wild;
    EXPECT_THAT(with(kDataOffset, wild), HasSubstr("exits at offset")) << wild;
    EXPECT_THAT(with(kFirst + 8, wild), HasSubstr("exits at offset")) << wild;
  }
}

TEST_F(HostileKvmStatistics, NamesThatAreNone) {
  EXPECT_THAT(rejection(file_of({{"", 0, {1}}})), HasSubstr("is empty"));
  EXPECT_THAT(rejection(file_of({{std::string(kNameBytes, 'x'), 0, {1}}})), HasSubstr("does not end"));
  EXPECT_THAT(rejection(file_of({{"exits", 0, {1}}, {"exits", 0, {2}}})), HasSubstr("'exits' is there twice"));
}

TEST(KvmStatisticsSum, AddsCountsAndKeepsTheGreatestPeak) {
  KvmStatisticValues sum;
  add_kvm_statistics(sum, {{"exits", {StatisticKind::cumulative, "", 5}}, {"depth", {StatisticKind::peak, "", 7}}});
  add_kvm_statistics(sum, {{"exits", {StatisticKind::cumulative, "", 6}},
                           {"depth", {StatisticKind::peak, "", 3}},
                           {"blocking", {StatisticKind::instant, "boolean", 1}}});
  add_kvm_statistics(sum, {{"blocking", {StatisticKind::instant, "boolean", 1}}});
  EXPECT_THAT(sum, SizeIs(3));
  EXPECT_EQ(sum.at("exits").value, 11u);
  EXPECT_EQ(sum.at("depth").value, 7u);
  EXPECT_EQ(sum.at("blocking"), (KvmStatistic{StatisticKind::instant, "boolean", 2}));
}

TEST(KvmStatisticsDifference, IsOfWhatBothHave) {
  const auto changes = difference({{"exits", {StatisticKind::cumulative, "", 5}},
                                   {"pages_4k", {StatisticKind::instant, "", 12}},
                                   {"gone", {StatisticKind::peak, "", 1}}},
                                  {{"exits", {StatisticKind::cumulative, "", 31}},
                                   {"pages_4k", {StatisticKind::instant, "", 10}},
                                   {"come", {StatisticKind::peak, "", 1}}});
  EXPECT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes.at("exits").kind, StatisticKind::cumulative);
  EXPECT_EQ(changes.at("exits").delta(), 26);
  EXPECT_EQ(changes.at("pages_4k").kind, StatisticKind::instant);
  EXPECT_EQ(changes.at("pages_4k").before, 12u);
  EXPECT_EQ(changes.at("pages_4k").after, 10u);
  EXPECT_EQ(changes.at("pages_4k").delta(), -2);
}

TEST(KvmStatisticsNames, AreThoseOfTheResultFormat) {
  EXPECT_STREQ(name_of(StatisticKind::cumulative), "cumulative");
  EXPECT_STREQ(name_of(StatisticKind::instant), "instant");
  EXPECT_STREQ(name_of(StatisticKind::peak), "peak");
}

TEST(ThreadGuestStatistics, AreUnavailableWithTheReason) {
  const auto guest = make_guest(test::config_of(GuestKind::thread, test::mmio_poll(), 4));
  EXPECT_THAT(guest->statistics().values, IsEmpty());
  EXPECT_EQ(guest->statistics().unavailable, "a thread guest has no KVM");
}

TEST(KvmStatisticsReader, FileThatIsNoGuestHasNone) {
  const kvm::FileDescriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const KvmStatistics statistics = kvm::KvmStatisticsReader({null.get()}).read();
  EXPECT_THAT(statistics.values, IsEmpty());
  EXPECT_THAT(statistics.unavailable, HasSubstr("no KVM_GET_STATS_FD"));
  EXPECT_FALSE(kvm::KvmStatisticsReader({-1}).read().unavailable.empty());
}

class KvmGuestStatistics : public testing::Test {
 protected:
  void SetUp() override {
    SHADOWWALK_NEED_KVM();
    const kvm::FileDescriptor kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
    if (ioctl(kvm.get(), KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) <= 0)
      GTEST_SKIP() << "no KVM_CAP_BINARY_STATS_FD";
  }
};

TEST_F(KvmGuestStatistics, CountExitsOfAllVcpus) {
  constexpr unsigned kExits = 50;
  const auto guest = make_guest(test::config_of(GuestKind::kvm, test::mmio_poll(), 1, 2));
  const KvmStatistics before = guest->statistics();
  ASSERT_EQ(before.unavailable, "");
  for (unsigned i = 0; i < kExits; ++i) {
    for (const unsigned vcpu : {0u, 1u}) guest->vcpu(vcpu).enter();
  }
  const auto changes = difference(before.values, guest->statistics().values);
  ASSERT_TRUE(changes.contains("exits")) << "every architecture's KVM counts exits";
  EXPECT_EQ(changes.at("exits").kind, StatisticKind::cumulative);
  EXPECT_GE(changes.at("exits").delta(), 2 * kExits);
}

TEST_F(KvmGuestStatistics, AnyThreadReadsThemWhileAVcpuRuns) {
  const auto guest = make_guest(test::config_of(GuestKind::kvm, test::mmio_poll(), 1024));
  std::atomic<bool> stop{false};
  std::thread runner([&] {
    while (!stop.load()) guest->vcpu(0).enter();
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    const KvmStatistics statistics = guest->statistics();
    ASSERT_EQ(statistics.unavailable, "");
    EXPECT_GE(statistics.values.at("exits").value, last);
    last = statistics.values.at("exits").value;
  }
  stop.store(true);
  runner.join();
}

/// The soft limit of descriptors, until the end of its scope.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    getrlimit(RLIMIT_NOFILE, &old_);
    rlimit changed = old_;
    changed.rlim_cur = most;
    setrlimit(RLIMIT_NOFILE, &changed);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &old_); }

 private:
  rlimit old_{};
};

TEST_F(KvmGuestStatistics, GuestRunsWithoutThemWhereDescriptorsRunOut) {
  const int next = dup(0);  // the lowest free one
  ASSERT_GE(next, 0);
  close(next);
  // Only while it is made: UndefinedBehaviorSanitizer opens a pipe to look at an object's type.
  const auto guest = [&] {
    const DescriptorLimit limit(static_cast<rlim_t>(next) + 5);  // KVM, the VM, two vCPUs and one more
    return make_guest(test::config_of(GuestKind::kvm, test::mmio_poll(), 4, 2));
  }();
  EXPECT_EQ(guest->vcpu(1).enter().size(), 4u);
  EXPECT_THAT(guest->statistics().values, IsEmpty());
  EXPECT_THAT(guest->statistics().unavailable, HasSubstr("Too many open files"));
}

}  // namespace
}  // namespace shadowwalk
