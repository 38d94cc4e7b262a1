#include "harness/run/quiet_gate.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/files.hpp"

namespace shadowwalk::run {
namespace {

using namespace std::chrono_literals;

class QuietGateTest : public testing::Test {
 protected:
  /// CPUs that have been busy for so many ticks.
  void make_busy(std::uint64_t ticks) {
    const std::filesystem::path next = temporary_ / "next";
    std::ofstream{next} << "cpu  " << ticks << " 0 0 0 0 0 0 0 0 0\n";
    std::filesystem::rename(next, stat_);  // it is read meanwhile
  }

  /// Makes the CPUs busy without end, from another process, while it exists.
  class Load {
   public:
    explicit Load(QuietGateTest& test)
        : thread_([&test](const std::stop_token& stop) {
            for (std::uint64_t ticks = 1'000'000; !stop.stop_requested(); ticks += 1'000'000) {
              test.make_busy(ticks);
              std::this_thread::sleep_for(1ms);
            }
          }) {}

   private:
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
  EXPECT_GE(gate.waits_in_vain(), 20u) << "a load that has no CPU itself for a while is none";
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
