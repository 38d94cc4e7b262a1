#include "harness/os/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/files.hpp"

namespace shadowwalk::os {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

/// Files of this process cannot grow past `bytes` while it lives: what a full disk does, on any host.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &previous_); }

 private:
  rlimit previous_{};
};

TEST(Files, WritesAndReplaces) {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "a", "first");
  EXPECT_EQ(read_file(directory / "a"), "first");
  write_file_atomically(directory / "a", "second, longer");
  EXPECT_EQ(read_file(directory / "a"), "second, longer");
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("a"));
}

TEST(Files, KeepsTheOldContentWhenTheNewDoesNotFit) {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "a", "old");
  std::string said;
  {
    const FileSizeLimit limit{1000};
    said = complaint([&] { write_file_atomically(directory / "a", std::string(5000, 'x')); });
  }
  EXPECT_THAT(said, AllOf(HasSubstr("cannot write"), HasSubstr("File too large"), HasSubstr("make room")));
  EXPECT_EQ(read_file(directory / "a"), "old");
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("a")) << "nothing half-written";
}

TEST(Files, NamesWhatCannotBeWritten) {
  const TemporaryDirectory directory;
  EXPECT_THAT(complaint([&] { write_file_atomically(directory / "none/a", "x"); }),
              AllOf(HasSubstr("none/a"), HasSubstr("No such file"), HasSubstr("another path")));
  std::filesystem::create_directory(directory / "in-the-way");
  EXPECT_THAT(complaint([&] { write_file_atomically(directory / "in-the-way", "x"); }), HasSubstr("in-the-way"));
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("in-the-way"));
}

TEST(Files, CommitMoves) {
  const TemporaryDirectory directory;
  std::ofstream{directory / "from"} << "content";
  commit_file(directory / "from", directory / "to");
  EXPECT_EQ(read_file(directory / "to"), "content");
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("to"));
  EXPECT_THAT(complaint([&] { commit_file(directory / "from", directory / "to"); }), HasSubstr("cannot write"));
}

TEST(Files, SpaceIsProbedAndGivenBack) {
  const TemporaryDirectory directory;
  EXPECT_NO_THROW(require_space(directory.path(), 1 << 20));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  std::string said;
  {
    const FileSizeLimit limit{1000};
    said = complaint([&] { require_space(directory.path(), 1 << 20); });
  }
  EXPECT_THAT(said, HasSubstr("cannot write"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Files, UnreadableIsAnInputError) {
  EXPECT_THAT(complaint([] { read_file("/nonexistent/file"); }), HasSubstr("cannot read /nonexistent/file"));
}

TEST(Files, ReadIfReadableStopsAtItsBound) {
  const TemporaryDirectory directory;
  std::ofstream{directory / "a"} << std::string(100'000, 'x');
  EXPECT_EQ(read_if_readable(directory / "a")->size(), 100'000u);
  EXPECT_EQ(read_if_readable(directory / "a", 70'000)->size(), 70'000u);
  EXPECT_EQ(read_if_readable(directory / "none"), std::nullopt);
  EXPECT_EQ(read_if_readable(directory.path()), std::nullopt);
}

}  // namespace
}  // namespace shadowwalk::os
