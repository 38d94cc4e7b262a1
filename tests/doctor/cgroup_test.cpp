#include "harness/doctor/cgroup.hpp"

#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

class CgroupTest : public testing::Test {
 protected:
  std::optional<CpuQuota> quota() const { return cpu_quota(fake_.host().files); }
  std::optional<MemoryLimit> limit() const { return memory_limit(fake_.host().files); }
  test::FakeHost fake_;
};

TEST_F(CgroupTest, TheTightestOfAllGroupsAboveCounts) {
  fake_.write("/proc/self/cgroup", "0::/a/b\n");
  fake_.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_FALSE(quota());
  fake_.write("/sys/fs/cgroup/a/cpu.max", "50000 100000\n");
  fake_.write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  ASSERT_TRUE(quota());
  EXPECT_DOUBLE_EQ(quota()->cpus, 0.5);
  EXPECT_EQ(quota()->file, "/sys/fs/cgroup/a/cpu.max");
  EXPECT_EQ(quota()->unlimited, "max");
}

TEST_F(CgroupTest, AContainersOwnGroupIsTheMount) {
  fake_.write("/proc/self/cgroup", "0::/system.slice/docker-1.scope\n");  // as the host names it
  fake_.write("/sys/fs/cgroup/memory.max", "1000\n");
  ASSERT_TRUE(limit());
  EXPECT_EQ(limit()->bytes, 1000u);
  EXPECT_EQ(limit()->used_bytes, 0u);
}

TEST_F(CgroupTest, VersionOneHasItsOwnFiles) {
  fake_.write("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/jobs/7\n2:cpu,cpuacct:/jobs/7\n0::/\n");
  fake_.write("/sys/fs/cgroup/cpu/jobs/7/cpu.cfs_quota_us", "-1\n");
  fake_.write("/sys/fs/cgroup/cpu/jobs/7/cpu.cfs_period_us", "100000\n");
  fake_.write("/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(quota());
  EXPECT_FALSE(limit());
  fake_.write("/sys/fs/cgroup/cpu/jobs/7/cpu.cfs_quota_us", "250000\n");
  fake_.write("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "4096\n");
  fake_.write("/sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "1024\n");
  ASSERT_TRUE(quota());
  EXPECT_DOUBLE_EQ(quota()->cpus, 2.5);
  EXPECT_EQ(quota()->unlimited, "-1");
  ASSERT_TRUE(limit());
  EXPECT_EQ(limit()->bytes, 4096u);
  EXPECT_EQ(limit()->used_bytes, 1024u);
  EXPECT_EQ(limit()->file, "/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes");
}

TEST_F(CgroupTest, NonsenseIsNoLimit) {
  EXPECT_FALSE(quota());
  EXPECT_FALSE(limit());
  for (const char* group : {"", "x", "0:", "0::", "0::no-slash", ":::", "1:cpu", "1:notcpu:/\n0::/"}) {
    fake_.write("/proc/self/cgroup", group);
    fake_.write("/sys/fs/cgroup/cpu.max", "0 100000");
    EXPECT_FALSE(quota()) << group;
    fake_.write("/sys/fs/cgroup/cpu.max", "100000");
    EXPECT_FALSE(quota()) << group;
    fake_.write("/sys/fs/cgroup/memory.max", "-5");
    EXPECT_FALSE(limit()) << group;
  }
}

}  // namespace
}  // namespace shadowwalk::doctor
