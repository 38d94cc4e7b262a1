#include "harness/kernel/cpio_archive.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/kernel/scratch_directory.hpp"
#include "harness/kernel/tool.hpp"
#include "harness/os/files.hpp"
#include "harness/os/program.hpp"

namespace shadowwalk::kernel {
namespace {

TEST(CpioArchive, AddsTheDirectoriesThatLeadToAFileOnce) {
  CpioArchive archive;
  archive.add_file("/a/b/one", "1");
  archive.add_file("/a/b/two", "22");
  archive.add_file("/a/b/one", "another");
  const std::string bytes = archive.finish();
  std::size_t headers = 0;
  for (std::size_t at = bytes.find("070701"); at != bytes.npos; at = bytes.find("070701", at + 1)) ++headers;
  EXPECT_EQ(headers, 5u);  // a, a/b, two files, the trailer
  EXPECT_EQ(bytes.find("another"), bytes.npos);
  EXPECT_EQ(bytes.size() % 4, 0u);
}

TEST(CpioArchive, SameContentGivesTheSameBytes) {
  const auto make = [] {
    CpioArchive archive;
    archive.add_device("/dev/console", 5, 1);
    archive.add_file("/bin/x", "content");
    return archive.finish();
  };
  EXPECT_EQ(make(), make());
}

TEST(CpioArchive, CpioUnpacksIt) {
  if (!os::find_program("cpio")) GTEST_SKIP() << "cpio is not there: install the package cpio";
  CpioArchive archive;
  const std::string content("text\0with a zero", 16);
  archive.add_file("/some/where/file", content);
  archive.add_directory("/empty");
  const ScratchDirectory scratch;
  os::write_file(scratch.path() / "archive", archive.finish());
  const ToolEnd end = run_tool({"cpio", "--extract", "--quiet", "-D", scratch.path().string(),
                                "--no-absolute-filenames", "-F", (scratch.path() / "archive").string()});
  EXPECT_EQ(end.exit_code, 0) << end.output;
  EXPECT_EQ(os::read_file(scratch.path() / "some/where/file"), content);
  EXPECT_TRUE(std::filesystem::is_directory(scratch.path() / "empty"));
}

}  // namespace
}  // namespace shadowwalk::kernel
