#include "harness/attach/live/window_gate.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "tests/attach/runtime_fixture.hpp"

namespace shadowwalk::live {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kSoon{200};
constexpr std::chrono::seconds kLong{60};

/// The other end of the two fifos, as perf holds it. `answers`: it acknowledges what it reads.
class FakePerf {
 public:
  FakePerf(const std::filesystem::path& directory, bool answers)
      : control_(open((directory / file_name(this_process(), kControlKind)).c_str(), O_RDWR | O_NONBLOCK)),
        ack_(open((directory / file_name(this_process(), kAckKind)).c_str(), O_RDWR | O_NONBLOCK)) {
    if (answers) thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~FakePerf() { die(); }
  void die() {
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
    }
    if (control_ >= 0) close(control_);
    if (ack_ >= 0) close(ack_);
    control_ = ack_ = -1;
  }
  const std::string& heard() const { return heard_; }  ///< once it is dead

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd event{control_, POLLIN, 0};
      char text[64];
      if (poll(&event, 1, 5) != 1) continue;
      const ssize_t count = read(control_, text, sizeof text);
      if (count <= 0) continue;
      heard_.append(text, static_cast<std::size_t>(count));
      if (write(ack_, "ack\n", 5) != 5) return;
    }
  }

  int control_;
  int ack_;
  std::string heard_;
  std::jthread thread_;
};

using WindowGateTest = RuntimeFixture;

TEST_F(WindowGateTest, NobodyWaits) {
  WindowGate gate;
  EXPECT_FALSE(gate.claim());
  EXPECT_FALSE(std::filesystem::exists(directory_)) << "looking makes nothing";
  gate.let_end();
}

TEST_F(WindowGateTest, PerfIsOnBeforeTheWindowAndOffAfterIt) {
  const WindowRequest request(this_process());
  EXPECT_EQ(request.claimed_by(), std::nullopt);
  WindowGate gate(kLong);
  ASSERT_TRUE(gate.claim());
  EXPECT_TRUE(gate.claim()) << "it stays claimed";
  EXPECT_EQ(request.claimed_by(), this_process());
  WindowGate late;
  EXPECT_FALSE(late.claim()) << "one cell alone answers";

  FakePerf perf(directory_, /*answers=*/true);
  const std::uint64_t before = now_ns();
  gate.let_begin();
  const std::uint64_t begin = now_ns();
  gate.set_window(begin, begin + 10);
  EXPECT_EQ(request.done(), std::nullopt);
  const std::uint64_t end = now_ns();
  gate.let_end();
  perf.die();
  EXPECT_EQ(perf.heard(), "enable\ndisable\n");
  const auto window = request.done();
  ASSERT_TRUE(window);
  EXPECT_EQ(window->failure, "");
  EXPECT_TRUE(before <= window->enable_ns && window->enable_ns <= begin);
  EXPECT_TRUE(end <= window->disabled_ns && window->disabled_ns <= now_ns());
  EXPECT_EQ(window->begin_ns, begin);
  EXPECT_EQ(window->end_ns, begin + 10);
  EXPECT_FALSE(gate.claim()) << "the next window is another's";
}

TEST_F(WindowGateTest, ARequestIsForOneProcessOrForWhoStartedIt) {
  {
    const WindowRequest request(Process{this_process().pid, this_process().start + 1});
    EXPECT_FALSE(WindowGate().claim());
  }
  const WindowRequest request(process_of(getppid()).value());
  EXPECT_TRUE(WindowGate().claim());
}

TEST_F(WindowGateTest, APerfThatNeverComesIsGivenUp) {
  const WindowRequest request(this_process());
  WindowGate gate(kSoon);
  ASSERT_TRUE(gate.claim());
  gate.let_begin();
  gate.let_end();
  EXPECT_THAT(request.done().value().failure, HasSubstr("was not there"));
}

TEST_F(WindowGateTest, APerfThatDoesNotAnswerIsGivenUp) {
  const WindowRequest request(this_process());
  WindowGate gate(kSoon);
  ASSERT_TRUE(gate.claim());
  const FakePerf perf(directory_, /*answers=*/false);
  gate.let_begin();
  gate.let_end();
  EXPECT_THAT(request.done().value().failure, HasSubstr("did not answer before"));
}

TEST_F(WindowGateTest, APerfThatDiesInTheWindowIsNotWaitedForAndKillsNobody) {
  const WindowRequest request(this_process());
  WindowGate gate(kLong);  // a test that waits for it times out
  ASSERT_TRUE(gate.claim());
  FakePerf perf(directory_, /*answers=*/true);
  gate.let_begin();
  perf.die();
  gate.let_end();
  EXPECT_THAT(request.done().value().failure, HasSubstr("was gone"));
}

TEST_F(WindowGateTest, WhoWaitedAndDiedIsNotWaitedFor) {
  const Process gone{this_process().pid, this_process().start + 1};
  put(file_name(gone, kRequestKind), to_string(this_process()));
  EXPECT_FALSE(WindowGate().claim());
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(WindowGateTest, AClaimOfAProcessThatIsNotTheRunsIsNone) {
  const WindowRequest request(this_process());
  const auto claim = [&](const std::string& who) { put(file_name(this_process(), "claim-" + who), ""); };
  claim(std::to_string(getpid()));
  claim(to_string(Process{1, process_of(1).value_or(Process{}).start}));
  claim(to_string(process_of(getppid()).value()));
  claim(to_string(Process{this_process().pid, this_process().start + 1}));
  EXPECT_EQ(request.claimed_by(), std::nullopt);
  claim(to_string(this_process()));
  EXPECT_EQ(request.claimed_by(), this_process());
}

TEST_F(WindowGateTest, WhatStandsThereInsteadOfAFifoIsNotWrittenTo) {
  const WindowRequest request(this_process());
  const std::string control = file_name(this_process(), kControlKind);
  std::filesystem::remove(directory_ / control);
  put(control, "mine");
  WindowGate gate(kLong);
  ASSERT_TRUE(gate.claim());
  gate.let_begin();
  gate.let_end();
  EXPECT_EQ(content(control), "mine");
  EXPECT_NE(request.done().value().failure, "");
}

TEST_F(WindowGateTest, ARequestLeavesNothing) {
  { const WindowRequest request(this_process()); }
  EXPECT_THAT(files(), testing::IsEmpty());
  {
    const WindowRequest request(this_process());
    WindowGate gate(kSoon);
    ASSERT_TRUE(gate.claim());
    EXPECT_THAT(files(), ElementsAre(file_name(this_process(), kAckKind),
                                     file_name(this_process(), "claim-" + to_string(this_process())),
                                     file_name(this_process(), kControlKind)));
  }
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST(WatchedWindowText, IsReadAsItWasWritten) {
  const std::string text =
      to_text({.enable_ns = 1, .begin_ns = 2, .end_ns = 3, .disabled_ns = UINT64_MAX, .failure = "a \"b\""});
  const auto window = watched_window_from_text(text);
  ASSERT_TRUE(window);
  EXPECT_EQ(to_text(*window), text);
  const auto with_begin = [&](const std::string& number) {
    std::string other = text;
    return watched_window_from_text(other.replace(other.find("begin_ns\": 2") + 11, 1, number));
  };
  EXPECT_EQ(with_begin("7")->begin_ns, 7u);
  for (const char* number : {"1e300", "-1", "true", "\"2\"", "null"}) EXPECT_FALSE(with_begin(number)) << number;
}

}  // namespace
}  // namespace shadowwalk::live
