#include "harness/text/text_file.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;

TEST(ReadTextFile, SaysWhyItCannot) {
  const std::filesystem::path folder = testing::TempDir();
  const auto read = [](const std::filesystem::path& file) -> std::string {
    try {
      return "read " + read_text_file(file, "workload");
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(read(folder / "is-not-there.toml"), HasSubstr("cannot read the workload"));
  EXPECT_THAT(read(folder), HasSubstr("it is not a file"));
  const std::filesystem::path large = folder / "large.toml";
  std::ofstream(large) << std::string((1 << 20) + 1, ' ');
  EXPECT_THAT(read(large), HasSubstr("larger than 1 MiB"));
  std::filesystem::resize_file(large, 3);
  EXPECT_EQ(read(large), "read    ");
  EXPECT_EQ(read_text_file(large, "workload", 3), "   ") << "the bound is the caller's";
  EXPECT_THROW(read_text_file(large, "workload", 2), InputError);
  std::filesystem::remove(large);
}

}  // namespace
}  // namespace shadowwalk
