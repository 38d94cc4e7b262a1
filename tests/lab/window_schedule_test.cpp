#include "harness/lab/window_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/onlookers.hpp"
#include "harness/machine/cycle_clock.hpp"

namespace shadowwalk {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

/// Notes what it is told, and when.
class FakeOnlookers final : public Onlookers {
 public:
  FakeOnlookers(bool waits, std::chrono::milliseconds slow) : waits_(waits), slow_(slow) {}

  bool await_window() override {
    calls.emplace_back("await");
    return waits_;
  }
  void let_begin() override {
    calls.emplace_back("let begin");
    if (window != nullptr) window_while_waiting = window->start();
    std::this_thread::sleep_for(slow_);
    ready_ns = now_ns();
  }
  void set_window(std::uint64_t begin_ns, std::uint64_t end_ns) override {
    calls.emplace_back("set");
    window_begin_ns = begin_ns;
    window_end_ns = end_ns;
  }
  void end_window() override {
    calls.emplace_back("end");
    ended_ns = now_ns();
  }
  std::string perturbed() override {
    calls.emplace_back("perturbed");
    return waits_ ? "a tool" : "";
  }

  std::vector<std::string> calls;
  const Window* window = nullptr;
  std::uint64_t window_while_waiting = 0;
  std::uint64_t ready_ns = 0, window_begin_ns = 0, window_end_ns = 0, ended_ns = 0;

 private:
  const bool waits_;
  const std::chrono::milliseconds slow_;
};

CellConfig small_cell(Onlookers* onlookers) {
  CellConfig config;
  config.name = "test";
  config.variant = "leak";
  config.workload = "mmio-poll";
  config.warmup = 30ms;
  config.duration = 100ms;
  config.working_set = 64;
  config.onlookers = onlookers;
  return config;
}

TEST(WindowSchedule, WhoMustBeReadyPutsTheWindowOff) {
  FakeOnlookers onlookers(/*waits=*/true, 100ms);
  const CellConfig config = small_cell(&onlookers);
  Window window;
  onlookers.window = &window;
  CellFailure failure;
  WindowSchedule schedule(config, window);
  const std::uint64_t planned = schedule.start(), length = schedule.end() - schedule.start();
  EXPECT_EQ(window.start(), planned);
  ASSERT_FALSE(schedule.wait_for_start(failure));
  EXPECT_GE(CycleClock::now(), schedule.start());
  EXPECT_EQ(onlookers.window_while_waiting, std::numeric_limits<std::uint64_t>::max()) << "nothing counts meanwhile";
  EXPECT_GT(schedule.start(), planned);
  EXPECT_EQ(schedule.end() - schedule.start(), length);
  EXPECT_EQ(window.start(), schedule.start());
  EXPECT_EQ(window.end(), schedule.end());
  EXPECT_GT(onlookers.window_begin_ns, onlookers.ready_ns);
  EXPECT_EQ(onlookers.window_end_ns - onlookers.window_begin_ns, 100'000'000u);
}

TEST(WindowSchedule, NobodyChangesNothing) {
  for (const bool there : {false, true}) {
    FakeOnlookers onlookers(/*waits=*/false, 0ms);
    const CellConfig config = small_cell(there ? &onlookers : nullptr);
    Window window;
    CellFailure failure;
    WindowSchedule schedule(config, window);
    const std::uint64_t planned = schedule.start();
    ASSERT_FALSE(schedule.wait_for_start(failure));
    EXPECT_EQ(schedule.start(), planned);
    EXPECT_EQ(window.start(), planned);
    EXPECT_EQ(onlookers.calls.size(), there ? 1u : 0u);
  }
}

TEST(WindowSchedule, AFailureEndsTheWait) {
  FakeOnlookers onlookers(/*waits=*/true, 0ms);
  CellConfig config = small_cell(&onlookers);
  config.warmup = 3600s;
  Window window;
  CellFailure failure;
  failure.report("gone");
  EXPECT_TRUE(WindowSchedule(config, window).wait_for_start(failure));
  EXPECT_TRUE(onlookers.calls.empty());
}

TEST(WindowSchedule, ACellTellsItsOnlookersAndItsResultTellsOfThem) {
  FakeOnlookers onlookers(/*waits=*/true, 50ms);
  const CellConfig config = small_cell(&onlookers);
  const CellResult result = make_result(config, run_cell(config));
  EXPECT_THAT(onlookers.calls, ElementsAre("await", "let begin", "set", "end", "perturbed"));
  EXPECT_GE(onlookers.ended_ns, onlookers.window_end_ns);
  EXPECT_NEAR(result.counters.at("duration_s"), 0.1, 1e-6);
  EXPECT_EQ(result.details.at("perturbed"), "a tool");
  EXPECT_THAT(result.details.at("flags").get<std::vector<std::string>>(), testing::Contains("perturbed"));

  FakeOnlookers nobody(/*waits=*/false, 0ms);
  const CellConfig plain = small_cell(&nobody);
  EXPECT_FALSE(make_result(plain, run_cell(plain)).details.contains("perturbed"));
}

}  // namespace
}  // namespace shadowwalk
