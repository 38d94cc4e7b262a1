#include "harness/doctor/subjects.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;
using testing::HasSubstr;

class MemorySubjectTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_memory(fake_.host()), subject); }
};

TEST_F(MemorySubjectTest, AvailableMemory) {
  EXPECT_EQ(about("memory").state, State::ok);
  EXPECT_EQ(about("memory").value, "61.0 GiB available");
  fake_.write("/proc/meminfo", "MemAvailable: 524288 kB\n");
  EXPECT_EQ(about("memory").state, State::note);
  EXPECT_EQ(about("memory").value, "512 MiB available");
  fake_.remove("/proc/meminfo");
  EXPECT_EQ(about("memory").state, State::lack);
}

TEST_F(MemorySubjectTest, LimitOfTheControlGroup) {
  EXPECT_EQ(about("memory_limit").value, "none");
  fake_.write("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n");
  fake_.write("/sys/fs/cgroup/user.slice/memory.current", "536870912\n");
  EXPECT_EQ(about("memory_limit").state, State::note);
  EXPECT_EQ(about("memory_limit").value, "1.0 GiB (512 MiB used)");
  EXPECT_EQ(about("memory_limit").mend.command, "echo max > /sys/fs/cgroup/user.slice/memory.max");
  fake_.write("/proc/meminfo", "MemAvailable: 1024 kB\n");
  EXPECT_EQ(about("memory_limit").state, State::ok) << "the host has less than the group may take";
}

TEST_F(MemorySubjectTest, NumaNodesAreCounted) {
  EXPECT_EQ(about("numa").value, "1 node");
  fake_.make_folder("/sys/devices/system/node/node1");
  fake_.write("/sys/devices/system/node/has_memory", "0-1");
  EXPECT_EQ(about("numa").value, "2 nodes");
  EXPECT_EQ(about("numa").state, State::note);
  fake_.remove("/sys/devices/system/node");
  EXPECT_EQ(about("numa").value, "not told");
}

TEST_F(MemorySubjectTest, TransparentHugePages) {
  EXPECT_EQ(about("thp").value, "madvise");
  fake_.write("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  EXPECT_EQ(about("thp").state, State::note);
  EXPECT_EQ(about("thp").mend.command, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  for (const char* odd : {"", "always", "][", "["}) {
    fake_.write("/sys/kernel/mm/transparent_hugepage/enabled", odd);
    EXPECT_EQ(about("thp").value, "not told") << odd;
  }
}

TEST_F(MemorySubjectTest, ReservedHugePagesAreMemoryThatTheLabLacks) {
  EXPECT_EQ(about("huge_pages").state, State::ok);
  fake_.write("/proc/sys/vm/nr_hugepages", "512\n");
  EXPECT_EQ(about("huge_pages").state, State::note);
  EXPECT_EQ(about("huge_pages").mend.command, "sysctl vm.nr_hugepages=0");
}

TEST_F(MemorySubjectTest, SecPageTablesNeedAKernel) {
  EXPECT_EQ(about("sec_page_tables").value, "16 KiB");
  fake_.write("/proc/meminfo", "MemAvailable: 64000000 kB\n");
  EXPECT_EQ(about("sec_page_tables").state, State::lack);
  EXPECT_THAT(about("sec_page_tables").mend.advice, HasSubstr("6.1"));
}

}  // namespace
}  // namespace shadowwalk::doctor
