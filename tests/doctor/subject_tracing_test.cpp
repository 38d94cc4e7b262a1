#include <sys/fsuid.h>
#include <unistd.h>

#include "harness/doctor/subjects.hpp"
#include "tests/doctor/fake_host.hpp"

namespace shadowwalk::doctor {
namespace {

using test::find;

/// While it lives, this thread opens files as an ordinary user does, also where tests run as root.
class OrdinaryUser {
 public:
  OrdinaryUser() : old_(setfsuid(kNobody)) {}
  ~OrdinaryUser() { setfsuid(static_cast<uid_t>(old_)); }

 private:
  static constexpr uid_t kNobody = 65534;
  int old_;
};

class TracingTest : public test::DoctorTest {
 protected:
  Finding about(std::string_view subject) const { return find(examine_tracing(fake_.host()), subject); }
  void close(std::string_view path) { std::filesystem::permissions(fake_.on_host(path), std::filesystem::perms::none); }
  void open_up(std::string_view path) {  // so that it can be removed
    std::filesystem::permissions(fake_.on_host(path), std::filesystem::perms::owner_all);
  }
};

TEST_F(TracingTest, MountedTracefsTellsOfKvm) {
  EXPECT_EQ(about("tracefs").state, State::ok);
  EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing; kvm, kvmmmu events");
  fake_.remove("/sys/kernel/tracing/events/kvm");
  fake_.remove("/sys/kernel/tracing/events/kvmmmu");
  EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing; no kvm events");
}

TEST_F(TracingTest, BelowDebugfsItCountsToo) {
  fake_.remove("/sys/kernel/tracing");
  fake_.make_folder("/sys/kernel/debug/tracing/events");
  EXPECT_EQ(about("tracefs").state, State::ok);
}

TEST_F(TracingTest, UnmountedTracefsIsMounted) {
  fake_.remove("/sys/kernel/tracing/events");
  EXPECT_EQ(about("tracefs").state, State::lack);
  EXPECT_EQ(about("tracefs").value, "tracefs is not mounted");
  EXPECT_EQ(about("tracefs").mend.command, "mount -t tracefs nodev /sys/kernel/tracing");
  make_unprivileged(fake_);
  EXPECT_EQ(about("tracefs").mend.command, "sudo mount -t tracefs -o mode=750,gid=$(id -g) nodev /sys/kernel/tracing")
      << "else it would be root's only";
}

TEST_F(TracingTest, KernelWithoutTracefs) {
  fake_.remove("/sys/kernel/tracing");
  fake_.write("/proc/filesystems", "nodev\tsysfs\nnodev\tnottracefs\n");
  EXPECT_EQ(about("tracefs").value, "no tracefs in this kernel");
  EXPECT_EQ(about("tracefs").mend.command, "");
  EXPECT_FALSE(about("tracefs").mend.empty());
}

TEST_F(TracingTest, ClosedTracefsIsOpened) {
  make_unprivileged(fake_);
  std::filesystem::permissions(fake_.on_host("/"), std::filesystem::perms::all);
  close("/sys/kernel/tracing");
  {
    const OrdinaryUser user;
    EXPECT_EQ(about("tracefs").state, State::lack);
    EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing is closed to this user");
    EXPECT_EQ(about("tracefs").mend.command, "sudo mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing");
  }
  open_up("/sys/kernel/tracing");
}

TEST_F(TracingTest, OpenFoldersWithClosedIdsAreClosed) {
  make_unprivileged(fake_);
  std::filesystem::permissions(fake_.on_host("/"), std::filesystem::perms::all);
  close("/sys/kernel/tracing/events/sched/sched_switch/id");
  {
    const OrdinaryUser user;
    EXPECT_EQ(about("tracefs").value, "/sys/kernel/tracing is closed to this user");
  }
  open_up("/sys/kernel/tracing/events/sched/sched_switch/id");
}

TEST_F(TracingTest, ProbesAreCountedAndNamed) {
  EXPECT_EQ(about("usdt").value, "2 probes");
  EXPECT_EQ(about("usdt").meaning, "shadowwalk:retire shadowwalk:zap");
  fake_.live.probes = {};
  EXPECT_EQ(about("usdt").state, State::lack);
}

TEST_F(TracingTest, OnlyMissingToolsAreInstalled) {
  EXPECT_EQ(about("tools").state, State::ok);
  EXPECT_TRUE(about("tools").mend.empty());
  fake_.live.tools = {"perf"};
  EXPECT_EQ(about("tools").state, State::note);
  EXPECT_EQ(about("tools").value, "perf only");
  EXPECT_EQ(about("tools").mend.command, "apt-get install bpftrace");
  fake_.live.tools = {};
  EXPECT_EQ(about("tools").state, State::lack);
  EXPECT_EQ(about("tools").mend.command, "apt-get install linux-perf bpftrace");
}

}  // namespace
}  // namespace shadowwalk::doctor
