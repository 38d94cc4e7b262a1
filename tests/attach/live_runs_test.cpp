#include "harness/attach/live/live_runs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <set>
#include <string>
#include <vector>

#include "harness/attach/live/runtime_directory.hpp"
#include "harness/machine/error.hpp"
#include "tests/attach/runtime_fixture.hpp"

namespace shadowwalk::live {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// A process that is there until the end of the scope.
class Sleeper {
 public:
  Sleeper() : pid_(fork()) {
    while (pid_ == 0) pause();
  }
  ~Sleeper() { kill_now(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  void kill_now() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    pid_ = 0;
  }
  Process process() const { return process_of(pid_).value(); }

 private:
  pid_t pid_;
};

CellPart some_cell() {
  return {.id = 3,
          .name = "irq-ipi/mmio-poll/vcpus:1",
          .variant = "irq-ipi",
          .workload = "mmio-poll",
          .held = false,
          .schedule = Schedule{1000, 2000}};
}

RunPart some_run() {
  return {.directory = "/data/results/first/",
          .title = "quick",
          .number = 17,
          .total = 240,
          .failed = 2,
          .cell = 3,
          .repetition = 1,
          .cell_name = "leak/demand-fault/vcpus:2",
          .variant = "leak",
          .workload = "demand-fault",
          .done_ns = 9000};
}

Entry entry_of(const CellPart& cell, std::uint64_t began = 10) {
  return {.began_ns = began, .cell = cell, .run = std::nullopt};
}
Entry entry_of(const RunPart& run, std::uint64_t began = 10) {
  return {.began_ns = began, .cell = std::nullopt, .run = run};
}

class LiveRunsTest : public RuntimeFixture {
 protected:
  void list(const Process& process, const Entry& entry) const { put(file_name(process), to_text(entry)); }
};

TEST_F(LiveRunsTest, NoDirectoryIsNoRuns) { EXPECT_THAT(live_runs(), IsEmpty()); }

TEST_F(LiveRunsTest, ACellOutsideOfARun) {
  list(this_process(), entry_of(some_cell()));
  const auto runs = live_runs();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, "cell-" + std::to_string(getpid()));
  EXPECT_EQ(runs[0].process, this_process());
  EXPECT_EQ(runs[0].cell_process.pid, getpid());
  EXPECT_FALSE(runs[0].run.has_value());
  ASSERT_TRUE(runs[0].cell.has_value());
  EXPECT_EQ(runs[0].cell->name, "irq-ipi/mmio-poll/vcpus:1");
  EXPECT_EQ(runs[0].cell->id, 3);
  EXPECT_EQ(runs[0].threads.at("main"), std::vector<pid_t>{getpid()});
}

TEST_F(LiveRunsTest, PhasesAndTimeLeftFollowFromTheSchedule) {
  LiveRun live;
  EXPECT_EQ(live.phase(0), "starting");
  live.cell = some_cell();
  for (const auto& [now, phase, left] : {std::tuple(999u, "warmup", 1001u), std::tuple(1000u, "measure", 1000u),
                                         std::tuple(1999u, "measure", 1u), std::tuple(2000u, "drain", 0u)}) {
    EXPECT_EQ(live.phase(now), phase) << now;
    EXPECT_EQ(live.eta_ns(now), left) << now;
  }
  live.cell->schedule.reset();
  EXPECT_EQ(live.phase(0), "starting");
  EXPECT_EQ(live.eta_ns(0), std::nullopt);
  live.cell->held = true;
  EXPECT_EQ(live.phase(0), "held");
  live.run = some_run();
  EXPECT_EQ(live.eta_ns(8000), 1000u) << "that of the run";
}

TEST_F(LiveRunsTest, ARunAndTheCellThatIsItsChildAreOne) {
  const Sleeper cell;
  list(this_process(), entry_of(some_run()));
  auto runs = live_runs();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].id, "first-" + std::to_string(getpid()));
  EXPECT_EQ(runs[0].phase(0), "starting");
  EXPECT_THAT(runs[0].threads, IsEmpty());

  list(cell.process(), entry_of(some_cell()));
  runs = live_runs();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].process, this_process());
  EXPECT_EQ(runs[0].cell_process.pid, cell.process().pid);
  EXPECT_EQ(runs[0].cell->variant, "irq-ipi");
  EXPECT_EQ(runs[0].run->number, 17u);
  EXPECT_EQ(runs[0].run->total, 240u);
  EXPECT_EQ(runs[0].phase(1500), "measure");
  EXPECT_EQ(runs[0].threads.at("main"), std::vector<pid_t>{cell.process().pid});
}

TEST_F(LiveRunsTest, TheOldestFirst) {
  const Sleeper other;
  list(this_process(), entry_of(some_cell(), 20));
  list(other.process(), entry_of(some_run(), 10));
  const auto runs = live_runs();
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_EQ(runs[0].process, other.process());
}

TEST_F(LiveRunsTest, EntriesOfProcessesThatAreGoneAreTakenAway) {
  Sleeper gone;
  const Process process = gone.process();
  list(process, entry_of(some_cell()));
  put("." + file_name(process), "{ half");
  list(this_process(), entry_of(some_cell()));
  EXPECT_THAT(live_runs(), SizeIs(2));
  gone.kill_now();
  EXPECT_THAT(live_runs(), SizeIs(1));
  EXPECT_EQ(files(), std::set<std::string>{file_name(this_process())});
}

TEST_F(LiveRunsTest, ANumberThatAnotherProcessHasByNowIsGone) {
  Process earlier = this_process();
  --earlier.start;
  list(earlier, entry_of(some_cell()));
  EXPECT_THAT(live_runs(), IsEmpty());
  EXPECT_THAT(files(), IsEmpty());
}

/// As another program of this user could write them: no entry makes a run of a process that is not its own.
TEST_F(LiveRunsTest, ForgedEntriesAreNoRuns) {
  const std::string text = to_text(entry_of(some_cell()));
  const std::string space = std::to_string(pid_namespace());
  const std::string start = std::to_string(this_process().start);
  for (const std::string& name :
       {"1-" + start + "-" + space, std::to_string(getppid()) + "-1-" + space, "2147483647-" + start + "-" + space,
        "2147483648-" + start + "-" + space, "-1-" + start + "-" + space, "0-" + start + "-" + space,
        "99999999999999999999-1-" + space, std::to_string(getpid()) + "-99999999999999999999-" + space,
        std::to_string(getpid()) + "--" + space}) {
    put(name + ".json", text);
  }
  EXPECT_THAT(live_runs(), IsEmpty());
}

TEST_F(LiveRunsTest, ARunWhoseCellIsForgedHasNoCell) {
  Sleeper other;
  list(this_process(), entry_of(some_run()));
  Process forged = other.process();
  ++forged.start;
  list(forged, entry_of(some_cell()));
  const auto runs = live_runs();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].cell_process.pid, 0);
  EXPECT_THAT(runs[0].threads, IsEmpty());
}

TEST_F(LiveRunsTest, WithoutADescriptorToLookWithNoEntryIsTakenAway) {
  list(this_process(), entry_of(some_cell()));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(STDERR_FILENO);
  ASSERT_GE(next, 0);
  close(next);
  std::set<std::string> complaints;
  for (int spare = 0; spare < 6; ++spare) {
    const rlimit few{static_cast<rlim_t>(next + spare), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    std::vector<LiveRun> runs;
    std::exception_ptr refused;
    try {
      runs = live_runs();
    } catch (...) {
      refused = std::current_exception();
    }
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);  // UndefinedBehaviorSanitizer needs some to look at an object
    complaints.insert(complaint([&] {
      if (refused) std::rethrow_exception(refused);
      EXPECT_THAT(runs, SizeIs(1));
    }));
    EXPECT_EQ(files(), std::set<std::string>{file_name(this_process())}) << spare;
  }
  EXPECT_GT(complaints.size(), 1u) << "no limit was too low";
  for (const std::string& text : complaints) {
    if (text.empty()) continue;
    EXPECT_THAT(text, testing::HasSubstr("Too many open files"));
  }
}

TEST_F(LiveRunsTest, WhatIsNotOursStays) {
  const std::string elsewhere = "4711-1-" + std::to_string(pid_namespace() + 1) + ".json";
  put(elsewhere, to_text(entry_of(some_cell())));
  put("notes.txt", "mine");
  EXPECT_THAT(live_runs(), IsEmpty());
  EXPECT_EQ(files(), (std::set<std::string>{elsewhere, "notes.txt"}));
}

TEST_F(LiveRunsTest, WhatCannotBeReadIsPassedOver) {
  std::string text = to_text(entry_of(some_cell()));
  for (const std::string& broken : {std::string(), std::string("[]"), std::string("{\"format\": 1}"), text.substr(9),
                                    text.substr(0, text.size() / 2), std::string(200'000, ' ') + text}) {
    put(file_name(this_process()), broken);
    EXPECT_THAT(live_runs(), IsEmpty()) << broken.substr(0, 100);
  }
  put(file_name(this_process()), text);
  EXPECT_THAT(live_runs(), SizeIs(1));
}

TEST_F(LiveRunsTest, NumbersThatAreNoneOfOursDoNoHarm) {
  const std::string text = to_text(entry_of(some_cell()));
  const auto with_end = [&](const std::string& number) {
    std::string changed = text;
    const std::string key = "\"window_end_ns\": ";
    changed.replace(changed.find(key) + key.size(), 4, number);
    return changed;
  };
  for (const char* number : {"1e99", "-1e99", "2000.5", "\"2000\"", "null", "[]", "-1"}) {
    put(file_name(this_process()), with_end(number));
    EXPECT_THAT(live_runs(), IsEmpty()) << number;
  }
  put(file_name(this_process()), with_end("18446744073709551615"));
  const auto runs = live_runs();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_GE(static_cast<std::int64_t>(runs[0].eta_ns(0).value()), 0);
}

TEST_F(LiveRunsTest, TextThatIsNoUtf8IsNoFailure) {
  RunPart run = some_run();
  run.directory = "/data/\xff\xfe";
  list(this_process(), entry_of(run));
  EXPECT_THAT(live_runs(), SizeIs(1));
}

LiveRun run(const char* id, pid_t pid, pid_t cell_pid) {
  LiveRun live;
  live.id = id;
  live.process.pid = pid;
  live.cell_process.pid = cell_pid;
  return live;
}

std::string complaint(const std::vector<LiveRun>& runs, const std::string& wanted) {
  try {
    return "not refused: " + choose_run("attach", runs, wanted).id;
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(ChooseRun, ByIdOrProcessOrAlone) {
  const std::vector<LiveRun> runs = {run("first-7", 7, 9), run("cell-8", 8, 8)};
  EXPECT_EQ(choose_run("attach", runs, "cell-8").id, "cell-8");
  EXPECT_EQ(choose_run("attach", runs, "7").id, "first-7");
  EXPECT_EQ(choose_run("attach", runs, "9").id, "first-7");
  EXPECT_EQ(choose_run("attach", {runs[1]}, "").id, "cell-8");
  EXPECT_EQ(complaint(runs, ""), "attach: 2 live runs; name one of them: first-7, cell-8");
  EXPECT_EQ(complaint(runs, "frist-7"),
            "attach: no live run 'frist-7', did you mean 'first-7'? there are: first-7, cell-8");
  EXPECT_EQ(complaint({}, "x"), "attach: no live run of this user; `shadowwalk ps` lists them");
}

}  // namespace

}  // namespace shadowwalk::live
