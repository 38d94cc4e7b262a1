#include "harness/guest/kvm_statistics_reader.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "tests/guest/guest_fixture.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

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
