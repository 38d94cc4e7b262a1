#include "harness/run/quiet_gate.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/files.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;

class QuietGateTest : public testing::Test {
 protected:
  static std::string busy_for(std::uint64_t ticks) { return "cpu  " + std::to_string(ticks) + " 0 0 0 0 0 0 0 0 0\n"; }
  /// CPUs that have been busy for so many ticks.
  void make_busy(std::uint64_t ticks) { std::ofstream{stat_} << busy_for(ticks); }

  /// While it exists, each look finds that the CPUs have been busy since the last one: the file is a pipe, which
  /// answers a reader whenever that comes, so that no look depends on how often this thread gets a CPU.
  class Load {
   public:
    explicit Load(const QuietGateTest& test) : pipe_(test.stat_) {
      std::filesystem::remove(pipe_);
      EXPECT_EQ(mkfifo(pipe_.c_str(), 0600), 0);
      thread_ = std::jthread([this](const std::stop_token& stop) {
        sigset_t pipe_signal;
        sigemptyset(&pipe_signal);
        sigaddset(&pipe_signal, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);  // a reader may have read enough
        for (std::uint64_t ticks = 1'000'000; !stop.stop_requested(); ticks += 1'000'000) {
          std::ofstream{pipe_} << busy_for(ticks);  // opening it waits for a reader
        }
      });
    }
    ~Load() {
      thread_.request_stop();
      const int reader = open(pipe_.c_str(), O_RDONLY | O_NONBLOCK);
      thread_.join();
      close(reader);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

   private:
    const std::string pipe_;
    std::jthread thread_;
  };

  static std::chrono::nanoseconds time_of(QuietGate& gate, int stop_fd = -1) {
    const auto start = std::chrono::steady_clock::now();
    gate.wait(stop_fd);
    return std::chrono::steady_clock::now() - start;
  }

  TemporaryDirectory temporary_;
  std::string stat_ = temporary_ / "stat";
};

TEST_F(QuietGateTest, AQuietHostPassesAfterOneLook) {
  make_busy(1);
  QuietGate gate(10h, stat_);
  gate.wait(-1);
  EXPECT_EQ(gate.waits_in_vain(), 0u);
  EXPECT_EQ(gate.last_reason(), "");
}

TEST_F(QuietGateTest, WaitsUntilTheLoadHasEnded) {
  make_busy(1);
  QuietGate gate(10h, stat_);
  make_busy(1'000'000);  // since the gate was made: while a cell ran, say
  gate.wait(-1);
  EXPECT_EQ(gate.waits_in_vain(), 0u);
  EXPECT_NE(gate.last_reason(), "") << "it has looked twice";
}

TEST_F(QuietGateTest, ALoadThatStaysIsWaitedForLessEachTime) {
  make_busy(1);
  QuietGate gate(300ms, stat_);
  const Load load(*this);
  EXPECT_GE(time_of(gate), 300ms);
  EXPECT_EQ(gate.waits_in_vain(), 1u);
  EXPECT_NE(gate.last_reason().find("other processes took"), std::string::npos) << gate.last_reason();
  for (int i = 0; i < 40; ++i) gate.wait(-1);  // would take 12 s without the halving
  EXPECT_EQ(gate.waits_in_vain(), 41u);
}

TEST_F(QuietGateTest, AStopEndsTheWait) {
  make_busy(1);
  QuietGate gate(10h, stat_);
  const Load load(*this);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  gate.wait(ends[0]);
  EXPECT_EQ(gate.waits_in_vain(), 0u);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(QuietGateTest, NoPatienceIsNoLook) {
  QuietGate gate(0s, stat_);
  gate.wait(-1);
  EXPECT_EQ(gate.waits_in_vain(), 0u);
}

}  // namespace
}  // namespace shadowwalk::run
