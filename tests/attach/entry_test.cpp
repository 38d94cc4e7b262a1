#include "harness/attach/live/entry.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "harness/attach/live/live_runs.hpp"
#include "harness/attach/live/runtime_directory.hpp"
#include "tests/attach/runtime_fixture.hpp"

namespace shadowwalk::live {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RegistrationTest : public RuntimeFixture {
 protected:
  Registration::Warn warn() {
    return [this](const std::string& why) { warnings_.push_back(why); };
  }
  static Entry some_cell() {
    return {.began_ns = 5,
            .cell = CellPart{.id = 3, .name = "n", .variant = "v", .workload = "w", .held = false, .schedule = {}},
            .run = std::nullopt};
  }
  std::vector<std::string> warnings_;
};

TEST_F(RegistrationTest, ListsTheProcessForAsLongAsItLives) {
  {
    Registration registration(warn());
    EXPECT_THAT(live_runs(), IsEmpty()) << "nothing is known yet";
    registration.update(some_cell());
    EXPECT_EQ(files(), std::set<std::string>{file_name(this_process())});
    EXPECT_THAT(live_runs(), SizeIs(1));
  }
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(RegistrationTest, APlaceThatCannotBeMadeIsOneWarningAndNoFailure) {
  setenv("XDG_RUNTIME_DIR", (parent_ / "gone").c_str(), 1);
  Registration registration(warn());
  registration.update(some_cell());
  registration.update(some_cell());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cannot make")));
}

TEST_F(RegistrationTest, ADirectoryThatIsRefusedIsOneWarningAndLeftAlone) {
  put("mine", "content");
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  {
    Registration registration(warn());
    registration.update(some_cell());
  }
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("is refused")));
  EXPECT_EQ(files(), std::set<std::string>{"mine"});
}

TEST_F(RegistrationTest, AWriteThatFailsLaterIsOneWarningAndNoOldNewsStay) {
  auto registration = std::make_unique<Registration>(warn());
  registration->update(some_cell());
  std::filesystem::create_directory(directory_ / ("." + file_name(this_process())));  // where the new file would begin
  registration->update(some_cell());
  registration->update(some_cell());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cannot write in")));
  EXPECT_FALSE(files().contains(file_name(this_process())));
  registration.reset();
}

TEST_F(RegistrationTest, ADirectoryThatGoesAwayMeanwhileIsNoFailure) {
  Registration registration(warn());
  registration.update(some_cell());
  std::filesystem::remove_all(directory_);
  registration.update(some_cell());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cannot write in")));
}

}  // namespace

}  // namespace shadowwalk::live
