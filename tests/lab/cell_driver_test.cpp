#include "harness/lab/cell_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <future>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness/lab/cell.hpp"
#include "harness/lab/cell_observer.hpp"
#include "harness/lab/cell_result.hpp"
#include "harness/lab/prepared_cell.hpp"
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
class FakeObserver final : public CellObserver {
 public:
  FakeObserver(bool waits, std::chrono::milliseconds slow) : waits_(waits), slow_(slow) {}

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

CellConfig small_cell(CellObserver* observer) {
  CellConfig config;
  config.name = "test";
  config.variant = "leak";
  config.workload = "mmio-poll";
  config.warmup = 30ms;
  config.duration = 100ms;
  config.working_set = 64;
  config.observer = observer;
  return config;
}

/// On a machine that hwloc makes up.
class CellCpusTest : public testing::Test {
 protected:
  ~CellCpusTest() override { unsetenv("HWLOC_SYNTHETIC"); }
  static PreparedCell prepared(const char* topology, unsigned vcpus, const char* workload = "mmio-poll") {
    setenv("HWLOC_SYNTHETIC", topology, 1);
    CellRequest request;
    request.config = small_cell(nullptr);
    request.config.vcpus = vcpus;
    request.config.workload = workload;
    return prepare_cell(std::move(request));
  }
};

TEST_F(CellCpusTest, NamesTheCpuOfEachThread) {
  CellCpus cpus(prepared("package:1 core:8 pu:1", 3));
  using Placement = std::map<std::string, unsigned>;
  EXPECT_EQ(cpus.by_thread(), (Placement{{"vcpu-0", 0}, {"vcpu-1", 1}, {"vcpu-2", 2}, {"zapper-0", 7}}));
  cpus.has_reclaimer = true;
  EXPECT_EQ(cpus.by_thread().at("reclaim-0"), 6u);
}

TEST_F(CellCpusTest, VcpusOfAWorkloadMayShareACpu) {
  const PreparedCell cell = prepared("package:1 core:8 pu:1", 8, "oversubscribed");
  const CellCpus cpus(cell);
  ASSERT_GT(cell.workload.vcpus_per_cpu, 1u);
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(cpus.vcpus[i], i / cell.workload.vcpus_per_cpu) << i;
}

TEST_F(CellCpusTest, AZapperYieldsToTheReclaimerOnItsCpu) {
  const auto yields = [](const PreparedCell& cell) { return CellShared(cell).yield_while_waiting; };
  EXPECT_FALSE(yields(prepared("package:1 core:3 pu:1", 1)));
  const PreparedCell short_of_cpus = prepared("package:1 core:3 pu:1", 2);
  EXPECT_FALSE(short_of_cpus.oversubscribed());
  EXPECT_TRUE(CellCpus(short_of_cpus).reclaimer_is_beside_zapper());
  EXPECT_TRUE(yields(short_of_cpus)) << "of every variant, so that all of them wait alike";
  EXPECT_TRUE(yields(prepared("package:1 core:3 pu:1", 3))) << "there are more busy threads than CPUs";
}

TEST(ThreadDeadline, EndsACellThatHangsWithItsReason) {
  CellConfig config = small_cell(nullptr);
  config.vcpus = 1000;
  std::promise<std::string> hung;
  config.on_hung = [&](const std::string& why) { hung.set_value(why); };
  const ThreadDeadline deadline(config, 0s, "the cell's threads did not end");
  EXPECT_THAT(hung.get_future().get(),
              testing::MatchesRegex("the cell's threads did not end within 0 s: 1000 vCPUs take turns .*"
                                    "give fewer --vcpus.*"));
}

TEST(ThreadDeadline, IsOverWhenItIsMet) {
  CellConfig config = small_cell(nullptr);
  config.on_hung = [](const std::string& why) { ADD_FAILURE() << why; };
  const ThreadDeadline deadline(config, 3600s, "never");  // its end does not wait
}

TEST(WindowSchedule, WhoMustBeReadyPutsTheWindowOff) {
  FakeObserver observer(/*waits=*/true, 100ms);
  const CellConfig config = small_cell(&observer);
  Window window;
  observer.window = &window;
  CellFailure failure;
  WindowSchedule schedule(config, window);
  const std::uint64_t planned = schedule.start(), length = schedule.end() - schedule.start();
  EXPECT_EQ(window.start(), planned);
  ASSERT_FALSE(schedule.wait_for_start(failure));
  EXPECT_GE(CycleClock::now(), schedule.start());
  EXPECT_EQ(observer.window_while_waiting, std::numeric_limits<std::uint64_t>::max()) << "nothing counts meanwhile";
  EXPECT_GT(schedule.start(), planned);
  EXPECT_EQ(schedule.end() - schedule.start(), length);
  EXPECT_EQ(window.start(), schedule.start());
  EXPECT_EQ(window.end(), schedule.end());
  EXPECT_GT(observer.window_begin_ns, observer.ready_ns);
  EXPECT_EQ(observer.window_end_ns - observer.window_begin_ns, 100'000'000u);
}

TEST(WindowSchedule, NobodyChangesNothing) {
  for (const bool there : {false, true}) {
    FakeObserver observer(/*waits=*/false, 0ms);
    const CellConfig config = small_cell(there ? &observer : nullptr);
    Window window;
    CellFailure failure;
    WindowSchedule schedule(config, window);
    const std::uint64_t planned = schedule.start();
    ASSERT_FALSE(schedule.wait_for_start(failure));
    EXPECT_EQ(schedule.start(), planned);
    EXPECT_EQ(window.start(), planned);
    EXPECT_EQ(observer.calls.size(), there ? 1u : 0u);
  }
}

TEST(WindowSchedule, AFailureEndsTheWait) {
  FakeObserver observer(/*waits=*/true, 0ms);
  CellConfig config = small_cell(&observer);
  config.warmup = 3600s;
  Window window;
  CellFailure failure;
  failure.report("gone");
  EXPECT_TRUE(WindowSchedule(config, window).wait_for_start(failure));
  EXPECT_TRUE(observer.calls.empty());
}

TEST(WindowSchedule, ACellTellsItsOnlookersAndItsResultTellsOfThem) {
  FakeObserver observer(/*waits=*/true, 50ms);
  const CellConfig config = small_cell(&observer);
  const CellResult result = make_result(config, run_cell(prepare_cell(config)));
  EXPECT_THAT(observer.calls, ElementsAre("await", "let begin", "set", "end", "perturbed"));
  EXPECT_GE(observer.ended_ns, observer.window_end_ns);
  EXPECT_NEAR(result.counters.at("duration_s"), 0.1, 1e-6);
  EXPECT_EQ(result.details.at("perturbed"), "a tool");
  EXPECT_THAT(result.details.at("flags").get<std::vector<std::string>>(), testing::Contains("perturbed"));

  FakeObserver absent(/*waits=*/false, 0ms);
  const CellConfig plain = small_cell(&absent);
  EXPECT_FALSE(make_result(plain, run_cell(prepare_cell(plain))).details.contains("perturbed"));
}

}  // namespace
}  // namespace shadowwalk
