#include "harness/os/host_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/os/fake_files.hpp"

namespace shadowwalk::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HostFilesTest, ContentWithoutTheEndOfLine) {
  test::FakeFiles fake;
  fake.write("/a", "two words \n\n");
  fake.write("/empty", "\n");
  fake.make_folder("/folder");
  const HostFiles files = fake.files();
  EXPECT_EQ(files.read("/a"), "two words");
  EXPECT_EQ(files.read("/empty"), "");
  EXPECT_EQ(files.read("/missing"), std::nullopt);
  EXPECT_EQ(files.read("/folder"), std::nullopt);
}

TEST(HostFilesTest, NumbersAreWholeOrNone) {
  test::FakeFiles fake;
  const auto number = [&](const char* text) {
    fake.write("/n", text);
    return fake.files().read_number("/n");
  };
  EXPECT_EQ(number("-1\n"), -1);
  EXPECT_EQ(number("9223372036854775807"), 9223372036854775807);
  for (const char* odd : {"", "max", "12x", "1 2", "9223372036854775808"}) EXPECT_EQ(number(odd), std::nullopt) << odd;
}

TEST(HostFilesTest, FoldersAreListedInOrder) {
  test::FakeFiles fake;
  for (const char* name : {"/d/b", "/d/a", "/d/c/inner"}) fake.write(name, "");
  const HostFiles files = fake.files();
  EXPECT_THAT(files.list("/d"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(files.list("/missing"), IsEmpty());
  EXPECT_THAT(files.list("/d/a"), IsEmpty());
  EXPECT_TRUE(files.exists("/d/c"));
  EXPECT_FALSE(files.exists("/d/x"));
  EXPECT_FALSE(files.is_closed("/d"));
  EXPECT_FALSE(files.is_closed("/missing"));
}

TEST(HostFilesTest, BytesAreAllThatThereAre) {
  test::FakeFiles fake;
  fake.write("/b", std::string_view("\x1f\0 \n", 4));
  EXPECT_EQ(fake.files().read_bytes("/b"), std::string("\x1f\0 \n", 4));
  EXPECT_EQ(fake.files().read_bytes("/missing"), std::nullopt);
}

TEST(HostFilesTest, ValuesOfLines) {
  test::FakeFiles fake;
  fake.write("/v", "model\t\t: 1\nmodel name\t: A: B\nempty:\nmodel name: C\nno colon\n");
  EXPECT_EQ(fake.files().read_value("/v", "model name"), "A: B") << "the first one";
  EXPECT_EQ(fake.files().read_value("/v", "model"), "1");
  EXPECT_EQ(fake.files().read_value("/v", "empty"), "");
  EXPECT_EQ(fake.files().read_value("/v", "no colon"), "");
  EXPECT_EQ(fake.files().read_value("/v", "mod"), "");
  EXPECT_EQ(fake.files().read_value("/missing", "model"), "");
}

TEST(HostFilesTest, TheRealHostIsTheDefault) {
  EXPECT_TRUE(HostFiles().read("/proc/meminfo"));
  EXPECT_FALSE(HostFiles().list("/proc").empty());
}

}  // namespace
}  // namespace shadowwalk::os
