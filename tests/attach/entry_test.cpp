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

TEST(EntryText, IsReadAsItWasWritten) {
  Entry entry{.began_ns = UINT64_MAX,
              .cell = CellPart{.id = -1,
                               .name = "n",
                               .variant = "v",
                               .workload = "w",
                               .held = true,
                               .counters_fd = 7,
                               .schedule = Schedule{1, UINT64_MAX}},
              .run = RunPart{.directory = "d",
                             .title = "t",
                             .number = 2,
                             .total = 3,
                             .cell_name = "c",
                             .variant = "v",
                             .workload = "w",
                             .done_ns = 9}};
  const auto read = from_text(to_text(entry));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), to_text(entry));
}

TEST(EntryText, WhatIsNoneIsNothing) {
  const std::string good = to_text(
      {.began_ns = 5,
       .cell = CellPart{.id = 3, .name = "n", .variant = "v", .workload = "w", .counters_fd = 4, .schedule = {}},
       .run = std::nullopt});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return from_text(text);
  };
  ASSERT_TRUE(from_text(good));
  for (const char* number : {"1e300", "1e999", "-1", "true", "null", "\"5\"", "18446744073709551616", "[]"}) {
    EXPECT_FALSE(with("\"began_ns\": 5", std::string("\"began_ns\": ") + number)) << number;
    EXPECT_FALSE(with("\"counters_fd\": 4", std::string("\"counters_fd\": ") + number)) << number;
  }
  EXPECT_FALSE(with("\"id\": 3", "\"id\": -2"));
  EXPECT_FALSE(with("\"held\": false", "\"held\": 0"));
  EXPECT_FALSE(with("\"held\": false", "\"held\": false, \"held\": true"));
  EXPECT_FALSE(from_text(good + '\0'));
  EXPECT_FALSE(from_text(std::string(60'000, '[')));
  EXPECT_EQ(with("\"n\"", "\"\\u001b[2J\"")->cell->name, "\\x1b[2J") << "but a terminal can show it";
}

}  // namespace

}  // namespace shadowwalk::live
