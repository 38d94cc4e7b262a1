#include "harness/trace/line_source.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/trace/from_memory.hpp"

namespace shadowwalk::trace {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  TextLines source(text);
  std::vector<std::string> lines;
  while (const auto line = source.next()) {
    lines.emplace_back(*line);
    EXPECT_EQ(source.line_number(), lines.size());
  }
  EXPECT_FALSE(source.next());
  return lines;
}

TEST(LineSource, GivesLinesAndALastOneWithoutANewline) {
  EXPECT_EQ(lines_of(""), std::vector<std::string>{});
  EXPECT_EQ(lines_of("a\n\nb\n"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(lines_of("a\nb"), (std::vector<std::string>{"a", "b"}));
}

TEST(LineSource, GivesLinesThatCrossItsBuffer) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x'));
    text += expected.back() + "\n";
  }
  EXPECT_EQ(lines_of(text), expected);
}

TEST(LineSource, CutsLongLinesOffAndGoesOnBehindThem) {
  const std::string cut(LineSource::kMaxLine, 'y');
  for (const std::size_t length : {LineSource::kMaxLine, LineSource::kMaxLine + 1, std::size_t{1'000'000}}) {
    const std::string text = "a\n" + std::string(length, 'y') + "\nb\n" + std::string(length, 'y');
    EXPECT_EQ(lines_of(text), (std::vector<std::string>{"a", cut, "b", cut})) << length;
  }
}

}  // namespace
}  // namespace shadowwalk::trace
