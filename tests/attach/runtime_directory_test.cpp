#include "harness/attach/live/runtime_directory.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/attach/runtime_fixture.hpp"

namespace shadowwalk::live {
namespace {

using testing::AllOf;
using testing::Field;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class RuntimeDirectoryTest : public RuntimeFixture {
 protected:
  static std::string complaint_of_make() {
    return complaint([] { RuntimeDirectory::make(); });
  }
  static std::string complaint_of_find() {
    return complaint([] { RuntimeDirectory::find(); });
  }
};

TEST_F(RuntimeDirectoryTest, IsMadeForItsOwnerAlone) {
  EXPECT_FALSE(RuntimeDirectory::find().has_value());
  const mode_t before = umask(0);
  EXPECT_EQ(RuntimeDirectory::make().path(), directory_.string());
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(directory_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_TRUE(RuntimeDirectory::find().has_value());
}

TEST_F(RuntimeDirectoryTest, OneThatOthersMayEnterIsRefused) {
  for (const mode_t mode : {0710, 0701, 0755, 0770, 01777}) {
    std::filesystem::create_directory(directory_);
    ASSERT_EQ(chmod(directory_.c_str(), mode), 0);
    EXPECT_THAT(complaint_of_make(), AllOf(HasSubstr("is refused: its mode is"), HasSubstr("remove it"))) << mode;
    EXPECT_EQ(complaint_of_find(), complaint_of_make());
  }
}

TEST_F(RuntimeDirectoryTest, OneOfSomebodyElseIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  RuntimeDirectory::make();
  ASSERT_EQ(chown(directory_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(complaint_of_make(), HasSubstr("is refused: it belongs to user 12345"));
  EXPECT_EQ(complaint_of_find(), complaint_of_make());
}

TEST_F(RuntimeDirectoryTest, AnythingButADirectoryIsRefused) {
  std::filesystem::create_directory(parent_ / "elsewhere");
  std::filesystem::create_directory_symlink(parent_ / "elsewhere", directory_);
  EXPECT_THAT(complaint_of_make(), HasSubstr("cannot open"));
  std::filesystem::remove(directory_);
  std::ofstream(directory_.c_str()) << "a file";
  EXPECT_THAT(complaint_of_make(), AllOf(HasSubstr("cannot open"), HasSubstr("Not a directory")));
}

TEST_F(RuntimeDirectoryTest, APlaceThatIsNotThereIsNamed) {
  setenv("XDG_RUNTIME_DIR", (parent_ / "gone").c_str(), 1);
  EXPECT_THAT(complaint_of_make(), AllOf(HasSubstr("cannot make"), HasSubstr("gone/shadowwalk: No such file"),
                                         HasSubstr("set XDG_RUNTIME_DIR")));
  EXPECT_EQ(complaint_of_find(), "") << "there is no run either";
  setenv("XDG_RUNTIME_DIR", "run", 1);
  EXPECT_THAT(complaint_of_find(), HasSubstr("'run', no absolute path"));
}

TEST_F(RuntimeDirectoryTest, FilesAreReplacedAsAWhole) {
  const RuntimeDirectory directory = RuntimeDirectory::make();
  directory.replace("a", "one");
  directory.replace("a", "two");
  EXPECT_EQ(directory.read("a"), "two");
  EXPECT_EQ(files(), std::set<std::string>{"a"});
  struct stat status {};
  ASSERT_EQ(stat((directory_ / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  directory.remove("a");
  EXPECT_EQ(directory.read("a"), std::nullopt);
}

TEST_F(RuntimeDirectoryTest, FilesAreListedByTheirProcessAndKindAndStrangeOnesAreLeftOut) {
  const RuntimeDirectory directory = RuntimeDirectory::make();
  const std::string whole = file_name(this_process());
  const std::string partial = "." + file_name(this_process(), "mark-7");
  for (const std::string& name : {whole, partial, std::string("a"), file_name(this_process(), "strange"),
                                  fmt::format("1-2-{}.json", pid_namespace() + 1)}) {
    put(name, "");
  }
  EXPECT_THAT(directory.files(),
              UnorderedElementsAre(AllOf(Field(&RuntimeFile::name, whole), Field(&RuntimeFile::process, this_process()),
                                         Field(&RuntimeFile::kind, "json"), Field(&RuntimeFile::is_partial, false)),
                                   AllOf(Field(&RuntimeFile::name, partial), Field(&RuntimeFile::kind, "mark-7"),
                                         Field(&RuntimeFile::is_partial, true))));
}

TEST_F(RuntimeDirectoryTest, WhatIsNoPlainFileOfASaneSizeIsNotRead) {
  const RuntimeDirectory directory = RuntimeDirectory::make();
  put("outside", "secret");
  std::filesystem::rename(directory_ / "outside", parent_ / "outside");
  std::filesystem::create_symlink(parent_ / "outside", directory_ / "link");
  EXPECT_EQ(directory.read("link"), std::nullopt);
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(directory.read("fifo"), std::nullopt) << "and does not wait for a writer";
  put("large", std::string(100'000, 'x'));
  EXPECT_EQ(directory.read("large"), std::nullopt);
}

TEST_F(RuntimeDirectoryTest, AFailedWriteLeavesNothing) {
  const RuntimeDirectory directory = RuntimeDirectory::make();
  std::filesystem::create_directory(directory_ / "a");  // which no file can be renamed to
  EXPECT_THAT(complaint([&] { directory.replace("a", "one"); }), HasSubstr("cannot write in"));
  EXPECT_EQ(files(), std::set<std::string>{"a"});
}

}  // namespace
}  // namespace shadowwalk::live
