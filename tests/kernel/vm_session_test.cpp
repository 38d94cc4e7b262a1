#include "harness/kernel/vm_session.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "harness/machine/error.hpp"
#include "harness/os/files.hpp"
#include "tests/kernel/booted_kernel.hpp"

namespace shadowwalk::kernel {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::chrono::seconds kPlenty{60};

class Session : public BootedKernel {
 protected:
  VmSession::Setup setup() const {
    return {.image = find_kernel_image(tree()),
            .content = {.command = SHADOWWALK_VM_PROGRAM, .module = {}},
            .cpus = 2,
            .notice = {}};
  }
  static VmJob job(std::vector<std::string> words, std::chrono::milliseconds limit = kPlenty) {
    words.insert(words.begin(), in_vm::kCommand);
    return {.words = std::move(words), .files = {}, .result_file = "/tmp/result", .limit = limit};
  }
};

TEST_P(Session, RunsJobsInOneBoot) {
  VmSession session(setup());
  const VmOutcome facts = session.run(job({"facts", "/tmp/result"}), -1);
  ASSERT_EQ(facts.kind, VmOutcome::Kind::ended) << facts.last_words;
  EXPECT_EQ(facts.end.exit_code, 0);
  EXPECT_EQ(facts.end.output, "facts are written\n");
  EXPECT_EQ(facts.end.result, session.image().release + " 2 " + name_of(session.accelerator()));
  VmJob copy = job({"copy", "/tmp/in", "/tmp/result"});
  copy.files["/tmp/in"] = std::string(3000, 'x') + "\n\"\\\xc3\xa4\n";
  EXPECT_EQ(session.run(copy, -1).end.result, copy.files["/tmp/in"]);
  const VmOutcome unknown = session.run(job({"what"}), -1);
  EXPECT_EQ(unknown.end.exit_code, 3);
  EXPECT_FALSE(unknown.end.result) << "the result of an earlier job";
  EXPECT_EQ(session.run(job({"abort"}), -1).end.signal, SIGABRT);
  EXPECT_TRUE(session.run(job({"sleep"}, std::chrono::seconds(1)), -1).end.timed_out);
  EXPECT_EQ(session.boots(), 1u);
  EXPECT_EQ(session.machine()->console().gravest(), "");
}

TEST_P(Session, RefusesAMachineThatThisHostHasNoMemoryFor) {
  VmSession::Setup large = setup();
  large.memory = {.least_mib = std::uint64_t{1} << 40, .wanted_mib = 0};
  EXPECT_THAT([&] { VmSession session(std::move(large)); }, ThrowsMessage<InputError>(HasSubstr("MiB available")));
}

TEST_P(Session, ACrashIsOneJobAndTheRestHasAnotherBoot) {
  VmSession session(setup());
  const VmOutcome crash = session.run(job({"crash"}), -1);
  EXPECT_EQ(crash.kind, VmOutcome::Kind::crashed);
  EXPECT_THAT(crash.last_words, HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
  EXPECT_THAT(crash.console, testing::Contains(HasSubstr("sysrq triggered crash")));
  EXPECT_GT(crash.console.size(), 5u);
  EXPECT_EQ(session.machine(), nullptr);
  const VmOutcome next = session.run(job({"facts", "/tmp/result"}), -1);
  EXPECT_EQ(next.kind, VmOutcome::Kind::ended) << next.last_words;
  EXPECT_GE(session.boots(), 2u);
}

TEST_P(Session, AHangIsNoticed) {
  VmSession::Setup impatient = setup();
  impatient.answer_limit = std::chrono::seconds(1);
  VmSession session(std::move(impatient));
  ASSERT_TRUE(session.boot(-1));
  kill(session.machine()->qemu(), SIGSTOP);  // nothing in it runs any more
  EXPECT_EQ(session.run(job({"what"}, std::chrono::seconds(1)), -1).kind, VmOutcome::Kind::hung);
  EXPECT_EQ(session.machine(), nullptr);
}

TEST_P(Session, AFileThatIsNoModuleIsOneLine) {
  const ScratchDirectory scratch;
  os::write_file(scratch.path() / "x.ko", "no module");
  VmSession::Setup wrong = setup();
  wrong.content.module = scratch.path() / "x.ko";
  VmSession session(std::move(wrong));
  EXPECT_THAT([&] { session.boot(-1); }, ThrowsMessage<InputError>(HasSubstr("cannot be loaded")));
}

TEST_P(Session, DoesNotOutliveItsCaller) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t caller = fork();
  if (caller == 0) {
    VmSession session(setup());
    const bool up = session.boot(-1);
    const pid_t qemu = up ? session.machine()->qemu() : 0;
    [[maybe_unused]] const auto count = write(ends[1], &qemu, sizeof qemu);
    pause();
    _exit(0);
  }
  pid_t qemu = 0;
  ASSERT_EQ(read(ends[0], &qemu, sizeof qemu), static_cast<ssize_t>(sizeof qemu));
  ASSERT_GT(qemu, 0);
  ASSERT_EQ(kill(qemu, 0), 0);
  kill(caller, SIGKILL);
  waitpid(caller, nullptr, 0);
  for (int i = 0; i < 300 && fs::exists("/proc/" + std::to_string(qemu) + "/exe"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(qemu) + "/exe"));
  close(ends[0]);
  close(ends[1]);
}

INSTANTIATE_TEST_SUITE_P(Debian, Session, booted_kernels(), name_of_kernel);

TEST(VmSession, WithoutQemuSaysWhichPackage) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  EXPECT_THAT([] { VmSession(VmSession::Setup{}); },
              ThrowsMessage<InputError>(HasSubstr("install the package qemu-system-x86")));
  setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace shadowwalk::kernel
