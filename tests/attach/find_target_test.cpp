#include "harness/attach/tools/find_target.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/machine/error.hpp"

namespace shadowwalk::tools {
namespace {

live::LiveRun run(const char* id, pid_t pid, pid_t cell_pid) {
  live::LiveRun live;
  live.id = id;
  live.process.pid = pid;
  live.cell_pid = cell_pid;
  return live;
}

std::string complaint(const std::vector<live::LiveRun>& runs, const std::string& wanted) {
  try {
    return "not refused: " + choose_run(runs, wanted).id;
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(ChooseRun, ByIdOrProcessOrAlone) {
  const std::vector<live::LiveRun> runs = {run("first-7", 7, 9), run("cell-8", 8, 8)};
  EXPECT_EQ(choose_run(runs, "cell-8").id, "cell-8");
  EXPECT_EQ(choose_run(runs, "7").id, "first-7");
  EXPECT_EQ(choose_run(runs, "9").id, "first-7");
  EXPECT_EQ(choose_run({runs[1]}, "").id, "cell-8");
  EXPECT_EQ(complaint(runs, ""), "attach: 2 live runs; name one of them: first-7, cell-8");
  EXPECT_EQ(complaint(runs, "frist-7"),
            "attach: no live run 'frist-7', did you mean 'first-7'? there are: first-7, cell-8");
  EXPECT_EQ(complaint({}, "x"), "attach: no live run of this user; `shadowwalk ps` lists them");
}

TEST(TargetOf, AProcessThatIsGone) {
  EXPECT_EQ(target_of(getpid(), "x").threads.at("main"), std::vector<pid_t>{getpid()});
  EXPECT_FALSE(target_of(getpid(), "x").has_kvm_vcpus);
  EXPECT_THROW(target_of(0x3fffffff, "x"), InputError);
}

}  // namespace
}  // namespace shadowwalk::tools
