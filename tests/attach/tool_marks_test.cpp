#include "harness/attach/live/tool_marks.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/attach/live/entry.hpp"
#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "tests/attach/runtime_fixture.hpp"

namespace shadowwalk::live {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ToolMarksTest : public RuntimeFixture {
 protected:
  std::string mark_of(pid_t tool) const { return file_name(this_process(), "mark-" + std::to_string(tool)); }
};

TEST_F(ToolMarksTest, AToolCountsFromWhenItIsPutOnUntilItIsTakenOff) {
  const std::uint64_t before = now_ns();
  std::uint64_t within = 0;
  {
    const ToolMark mark(this_process(), "perf record -g");
    within = now_ns();
    EXPECT_THAT(tools_on(this_process(), within, within + 1), ElementsAre("perf record -g"));
    EXPECT_THAT(tools_on(this_process(), before - 2, before - 1), IsEmpty()) << "it came later";
    EXPECT_THAT(tools_on({1, 2}, within, within + 1), IsEmpty()) << "another process";
  }
  const std::uint64_t after = now_ns();
  EXPECT_THAT(tools_on(this_process(), before, after), ElementsAre("perf record -g"));
  EXPECT_THAT(tools_on(this_process(), after + 1, after + 2), IsEmpty()) << "it had gone";
  remove_marks(this_process());
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ToolMarksTest, ToolsAreToldInTheOrderInWhichTheyCame) {
  const ToolMark mark(this_process(), "second");
  put(mark_of(4), R"({"format":"shadowwalk-mark-1","begin_ns":5,"end_ns":1e300,"command":"for ever"})");
  put(mark_of(1), R"({"format":"shadowwalk-mark-1","begin_ns":5,"end_ns":18446744073709551615,"command":"first"})");
  put(mark_of(2), "no mark");
  put(mark_of(3), R"({"format":"shadowwalk-mark-1","begin_ns":"x","end_ns":9,"command":"broken"})");
  EXPECT_THAT(tools_on(this_process(), 10, now_ns()), ElementsAre("first", "second"))
      << "and what is broken hides none";
}

TEST_F(ToolMarksTest, AMarkIsNotMadeAgainWhenTheCellHasTakenItAway) {
  {
    const ToolMark mark(this_process(), "perf");
    remove_marks(this_process());
  }
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(ToolMarksTest, MarksOfAProcessThatWasKilledAreTakenAwayByTheNextLook) {
  const Process gone{this_process().pid, this_process().start + 1};
  put(file_name(gone, "mark-7"), "{}");
  put(file_name(gone, kRequestKind), "");
  put(file_name(gone, kControlKind), "");
  put("of-others.mark-7", "");
  live_runs();
  EXPECT_THAT(files(), ElementsAre("of-others.mark-7"));
}

TEST_F(ToolMarksTest, ADirectoryThatIsRefusedHasNone) {
  std::filesystem::create_directory(directory_);
  std::filesystem::permissions(directory_, std::filesystem::perms::all);
  EXPECT_THAT(tools_on(this_process(), 0, now_ns()), IsEmpty());
  EXPECT_NE(complaint([] { ToolMark(this_process(), "perf"); }), "");
}

}  // namespace
}  // namespace shadowwalk::live
