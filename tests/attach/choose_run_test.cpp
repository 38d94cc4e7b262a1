#include "harness/attach/live/choose_run.hpp"

#include <gtest/gtest.h>

#include "harness/machine/error.hpp"

namespace shadowwalk::live {
namespace {

LiveRun run(const char* id, pid_t pid, pid_t cell_pid) {
  LiveRun live;
  live.id = id;
  live.process.pid = pid;
  live.cell_pid = cell_pid;
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
