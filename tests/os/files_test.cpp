#include "harness/os/files.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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
  write_file(directory / "a", "first");
  EXPECT_EQ(read_file(directory / "a"), "first");
  write_file(directory / "a", "second, longer");
  EXPECT_EQ(read_file(directory / "a"), "second, longer");
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("a"));
}

TEST(Files, KeepsTheOldContentWhenTheNewDoesNotFit) {
  const TemporaryDirectory directory;
  write_file(directory / "a", "old");
  std::string said;
  {
    const FileSizeLimit limit{1000};
    said = complaint([&] { write_file(directory / "a", std::string(5000, 'x')); });
  }
  EXPECT_THAT(said, AllOf(HasSubstr("cannot write"), HasSubstr("File too large"), HasSubstr("make room")));
  EXPECT_EQ(read_file(directory / "a"), "old");
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("a")) << "nothing half-written";
}

TEST(Files, NamesWhatCannotBeWritten) {
  const TemporaryDirectory directory;
  EXPECT_THAT(complaint([&] { write_file(directory / "none/a", "x"); }),
              AllOf(HasSubstr("none/a"), HasSubstr("No such file"), HasSubstr("another path")));
  std::filesystem::create_directory(directory / "in-the-way");
  EXPECT_THAT(complaint([&] { write_file(directory / "in-the-way", "x"); }), HasSubstr("in-the-way"));
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("in-the-way"));
}

TEST(Files, FollowsASymlinkAndKeepsIt) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "elsewhere");
  write_file(directory / "elsewhere/real", "old");
  std::filesystem::create_symlink("elsewhere/real", directory / "link");
  std::filesystem::create_symlink("elsewhere/none", directory / "dangling");
  std::filesystem::create_symlink("round", directory / "round");
  write_file(directory / "link", "new");
  write_file(directory / "dangling", "made");
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_EQ(read_file(directory / "elsewhere/real"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "dangling"));
  EXPECT_EQ(read_file(directory / "elsewhere/none"), "made");
  EXPECT_THAT(complaint([&] { write_file(directory / "round", "x"); }), HasSubstr("symbolic links"));
  EXPECT_THAT(names_in(directory / "elsewhere"), UnorderedElementsAre("none", "real"));
}

TEST(Files, ADeviceStaysADevice) {
  write_file("/dev/null", "gone");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_NO_THROW(require_writable("/dev/null"));
  EXPECT_THAT(complaint([] { write_file("/dev/full", "x"); }), HasSubstr("No space left"));
}

TEST(Files, AFifoIsWrittenToIfAProcessReadsIt) {
  const TemporaryDirectory directory;
  const std::filesystem::path fifo = directory / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(complaint([&] { write_file(fifo, "x"); }), HasSubstr("cannot write"));
  const FileDescriptor reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
  write_file(fifo, "through");
  char read_back[16] = {};
  EXPECT_EQ(read(reader.get(), read_back, sizeof read_back), 7);
  EXPECT_STREQ(read_back, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(fifo));
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("fifo"));
}

TEST(Files, ASocketIsRefused) {
  const TemporaryDirectory directory;
  const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory / "socket";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(complaint([&] { write_file(path, "x"); }), HasSubstr("is a socket"));
  EXPECT_THAT(complaint([&] { require_writable(path); }), HasSubstr("is a socket"));
}

TEST(Files, AReplacedFileKeepsItsPermissions) {
  const TemporaryDirectory directory;
  write_file(directory / "a", "secret");
  std::filesystem::permissions(directory / "a", std::filesystem::perms::owner_read);
  write_file(directory / "a", "another");
  EXPECT_EQ(std::filesystem::status(directory / "a").permissions(), std::filesystem::perms::owner_read);
}

TEST(Files, NothingIsWrittenThroughWhatOthersPutIntoTheDirectory) {
  const TemporaryDirectory directory;
  std::ofstream{directory / "victim"} << "precious";
  for (const char* planted : {".a.tmp", ".space.tmp", ".a.partial"}) {
    std::filesystem::create_symlink("victim", directory / planted);
  }
  require_space(directory.path(), 1 << 20);
  write_file(directory / "a", "mine");
  EXPECT_EQ(read_file(directory / "victim"), "precious");
  EXPECT_EQ(read_file(directory / "a"), "mine");
}

TEST(Files, AnUnfinishedFileHasNoName) {
  const TemporaryDirectory directory;
  OutputFile file(directory / "a");
  file.append("half of it");
  for (const std::string& name : names_in(directory.path())) EXPECT_TRUE(is_temporary_name(name)) << name;
  file.commit();
  EXPECT_THAT(names_in(directory.path()), UnorderedElementsAre("a"));
}

TEST(Files, ANameAsLongAsNamesCanBe) {
  const TemporaryDirectory directory;
  const std::string name(255, 'n');
  write_file(directory / name, "x");
  EXPECT_EQ(read_file(directory / name), "x");
}

TEST(Files, RequireWritableChangesNothing) {
  const TemporaryDirectory directory;
  EXPECT_NO_THROW(require_writable(directory / "a"));
  EXPECT_THAT(complaint([&] { require_writable(directory / "none/a"); }), HasSubstr("is no folder; make it first"));
  EXPECT_THAT(complaint([&] { require_writable(directory.path()); }), HasSubstr("directory"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
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
