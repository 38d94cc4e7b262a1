#include "harness/measure/cgroup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/measure/memory.hpp"
#include "tests/os/fake_files.hpp"

namespace shadowwalk {
namespace {

class CgroupTest : public testing::Test {
 protected:
  std::optional<CpuQuota> quota() const { return cpu_quota(fake_.files()); }
  std::optional<MemoryLimit> limit() const { return memory_limit(fake_.files()); }
  os::test::FakeFiles fake_;
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

TEST_F(CgroupTest, TheLimitThatLeavesLeastCounts) {
  fake_.write("/proc/self/cgroup", "0::/busy/small\n");
  fake_.write("/sys/fs/cgroup/busy/memory.max", "10000\n");
  fake_.write("/sys/fs/cgroup/busy/memory.current", "9900\n");
  fake_.write("/sys/fs/cgroup/busy/small/memory.max", "1000\n");
  fake_.write("/sys/fs/cgroup/busy/small/memory.current", "50\n");
  ASSERT_TRUE(limit());
  EXPECT_EQ(limit()->file, "/sys/fs/cgroup/busy/memory.max");
  EXPECT_EQ(limit()->left_bytes(), 100u);
}

TEST_F(CgroupTest, PageCacheThatCanBeDroppedIsNotUsed) {
  fake_.write("/proc/self/cgroup", "0::/a\n");
  fake_.write("/sys/fs/cgroup/a/memory.high", "1000\n");
  fake_.write("/sys/fs/cgroup/a/memory.max", "max\n");
  fake_.write("/sys/fs/cgroup/a/memory.current", "900\n");
  fake_.write("/sys/fs/cgroup/a/memory.stat", "anon 100\ninactive_file 700\nactive_file 100\n");
  ASSERT_TRUE(limit());
  EXPECT_EQ(limit()->file, "/sys/fs/cgroup/a/memory.high");
  EXPECT_EQ(limit()->used_bytes, 200u);
}

TEST_F(CgroupTest, LimitsBoundTheMemoryThatIsAvailable) {
  EXPECT_EQ(available_memory_bytes(fake_.files()), 0u) << "nothing is known";
  fake_.write("/proc/meminfo", "MemAvailable:   4096 kB\n");
  EXPECT_EQ(available_memory_bytes(fake_.files()), 4u << 20);
  fake_.write("/proc/self/cgroup", "0::/\n");
  fake_.write("/sys/fs/cgroup/memory.max", "1048576\n");
  EXPECT_EQ(available_memory_bytes(fake_.files()), 1u << 20);
  fake_.write("/sys/fs/cgroup/memory.current", "2097152\n");
  EXPECT_EQ(available_memory_bytes(fake_.files()), 1u) << "none, which is not unknown";
  fake_.write("/sys/fs/cgroup/memory.max", "1073741824\n");
  EXPECT_EQ(available_memory_bytes(fake_.files()), 4u << 20) << "the host has less than the group may take";
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
}  // namespace shadowwalk
