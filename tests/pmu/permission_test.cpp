// What an unprivileged user is told, as an unprivileged user: a child process that has become `nobody`.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "harness/measure/pmu/availability.hpp"
#include "harness/measure/pmu/perf_kernel.hpp"

namespace shadowwalk::pmu {
namespace {

using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

/// What `ask` answers when nobody asks it.
std::string as_nobody(const std::function<std::string()>& ask) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return "pipe failed";
  const pid_t child = fork();
  if (child == 0) {
    close(pipe_ends[0]);
    std::string answer = "could not become nobody";
    if (setgroups(0, nullptr) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0) answer = ask();
    const ssize_t written = write(pipe_ends[1], answer.data(), answer.size());
    _exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  close(pipe_ends[1]);
  std::string answer;
  char buffer[512];
  for (ssize_t got = 0; (got = read(pipe_ends[0], buffer, sizeof(buffer))) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return answer;
}

class Permission : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    const auto paranoid = open_facts().paranoid;
    if (!paranoid || *paranoid < 2) {
      GTEST_SKIP() << "kernel.perf_event_paranoid is below 2 here: everyone may count the kernel";
    }
  }
};

TEST_F(Permission, KernelSideIsRefusedWithTheLevelAndTheCommand) {
  const std::string reason = as_nobody([] { return cannot_count("context-switches"); });
  EXPECT_THAT(reason, HasSubstr("not permitted"));
  EXPECT_THAT(reason, HasSubstr("`sysctl kernel.perf_event_paranoid=1`"));
  EXPECT_THAT(reason, HasSubstr("perf_event_paranoid is " + std::to_string(*open_facts().paranoid)));
}

TEST_F(Permission, UserSideIsGranted) {
  if (*open_facts().paranoid > 2) GTEST_SKIP() << "this system forbids perf_event_open to everyone but root";
  EXPECT_EQ(as_nobody([] { return cannot_count("page-faults"); }), "");
}

TEST_F(Permission, ADevicePmuIsRefusedTheSameWay) {
  if (!cannot_count("msr/tsc/").empty()) GTEST_SKIP() << "no msr/tsc/ here, even for root";
  EXPECT_THAT(as_nobody([] { return cannot_count("msr/tsc/"); }), HasSubstr("`sysctl kernel.perf_event_paranoid=1`"));
}

TEST_F(Permission, TracefsThatCannotBeReadIsSaidSo) {
  const std::string reason = as_nobody([] { return cannot_count("sched:sched_switch"); });
  EXPECT_THAT(reason, testing::AnyOf(HasSubstr("tracefs is not readable"), HasSubstr("tracefs is not mounted")));
}

TEST_F(Permission, TracefsThatIsThereAndClosed) {
  char name[] = "/tmp/shadowwalk-closed-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::filesystem::path root(name);
  std::filesystem::create_directories(root / "events" / "sched" / "sched_switch");
  std::filesystem::permissions(root, std::filesystem::perms::owner_all);
  SystemPaths paths;
  paths.tracefs = {root};
  EXPECT_THAT(as_nobody([&] { return cannot_count("sched:sched_switch", paths); }),
              HasSubstr("tracefs is not readable"));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace shadowwalk::pmu
