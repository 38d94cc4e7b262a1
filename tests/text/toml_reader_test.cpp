#include "harness/text/toml_reader.hpp"

#include <gmock/gmock.h>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// What taking `key` out of `text` by `take` complains of; empty: of nothing.
template <class Take>
std::string complaint(std::string_view text, Take take) {
  const TomlReader reader("my.toml");
  try {
    const toml::table document = reader.parse(text);
    for (const auto& [key, node] : document) take(reader, key, node);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(TomlReader, SaysWhereTheTextIsNotToml) {
  EXPECT_THAT(complaint("a = 1\nb = = 2\n", [](auto&&...) {}), StartsWith("my.toml:2:5: not valid TOML: "));
}

TEST(TomlReader, KeysOfManyPartsAreRefusedBeforeTheyAreParsed) {
  const auto take = [](auto&&...) {};
  const auto parts = [](const char* part, std::size_t count) {
    std::string key = part;
    for (std::size_t i = 1; i < count; ++i) key += std::string(".") + part;
    return key;
  };
  EXPECT_EQ(complaint(parts("a", 32) + " = 1", take), "");
  for (const std::size_t count : {33u, 500'000u}) {
    for (const std::string& text :
         {"\n" + parts("a", count) + " = 1", "\n[" + parts("a", count) + "]", "\n[[" + parts("a", count) + "]]",
          "\n" + parts("\"a\"", count) + " = 1", "\nx = {" + parts("a", count) + " = 1}", "\n" + parts("'a' ", count),
          "\n" + parts("a", count)}) {
      EXPECT_EQ(complaint(text, take), "my.toml:2:1: a key has more than 32 parts; name tables by [a.b]");
    }
  }
}

TEST(TomlReader, DotsThatArePartOfNoKeyAreNotCounted) {
  const auto take = [](auto&&...) {};
  const std::string dots(100, '.');
  EXPECT_EQ(complaint("a = \"" + dots + "\" # " + dots + "\nb = '" + dots + "'\nc = \"\\\"" + dots + "\"", take), "");
  EXPECT_EQ(complaint("a = \"\"\"\n\"" + dots + "\n\"\"\"\nb = \'\'\'\n" + dots + "\'\'\'", take), "");
  std::string numbers = "1.5";
  for (int i = 0; i < 100; ++i) numbers += ", 1.5";
  EXPECT_EQ(complaint("a = [" + numbers + "]", take), "");
}

TEST(TomlReader, TextThatATerminalWouldObeyIsRefused) {
  const auto take = [](const TomlReader& reader, const auto& key, const auto& node) { reader.text(key, node); };
  EXPECT_EQ(complaint("a = \"K\xc3\xa4se\"", take), "");
  for (const char* text : {"\\u001b[2J", "two\\nlines", "\\u009b2J", "\\u202egnp", "\\b"}) {
    EXPECT_THAT(complaint(std::string("a = \"") + text + "\"", take), HasSubstr("cannot be printed")) << text;
  }
}

TEST(TomlReader, WholeNumbersInTheirRange) {
  const auto take = [](const TomlReader& reader, const auto& key, const auto& node) {
    reader.integer(key, node, 1, 9);
  };
  EXPECT_EQ(complaint("a = 9", take), "");
  EXPECT_EQ(complaint("a = 10", take), "my.toml:1:5: 'a' is 10; it must be from 1 to 9");
  EXPECT_EQ(complaint("a = 1.5", take), "my.toml:1:5: 'a' is a number with a fraction; it must be a whole number");
}

TEST(TomlReader, NumbersInTheirRange) {
  const auto take = [](const TomlReader& reader, const auto& key, const auto& node) { reader.number(key, node, 0, 4); };
  EXPECT_EQ(complaint("a = 4", take), "");
  EXPECT_EQ(complaint("a = 0.5", take), "");
  for (const char* bad : {"a = 0", "a = 4.5", "a = -1", "a = nan", "a = inf"}) {
    EXPECT_THAT(complaint(bad, take), HasSubstr("it must be above 0 and at most 4")) << bad;
  }
  EXPECT_THAT(complaint("a = \"1\"", take), HasSubstr("is a string; it must be a number"));
  EXPECT_THAT(complaint("a = 9007199254740993", take), HasSubstr("at most 4")) << "no double is this number";
}

TEST(TomlReader, TablesAndListsOfThem) {
  const auto table = [](const TomlReader& reader, const auto& key, const auto& node) { reader.table(key, node); };
  const auto tables = [](const TomlReader& reader, const auto& key, const auto& node) { reader.tables(key, node); };
  EXPECT_EQ(complaint("[a]\n", table), "");
  EXPECT_THAT(complaint("a = 1", table), HasSubstr("'a' must be a table: [a]"));
  EXPECT_EQ(complaint("[[a]]\n[[a]]\n", tables), "");
  EXPECT_THAT(complaint("[a]\n", tables), HasSubstr("write [[a]], with two brackets"));
  EXPECT_THAT(complaint("a = []", tables), HasSubstr("write [[a]]"));
}

TEST(TomlReader, UnknownKeysWithTheNearestKnownOne) {
  const std::vector<std::string> known = {"weight", "pages"};
  EXPECT_EQ(complaint("wieght = 1", [&](const TomlReader& reader, const auto& key,
                                        const auto&) { reader.unknown("key", key, known); }),
            "my.toml:1:1: unknown key 'wieght', did you mean 'weight'? known: weight pages");
}

}  // namespace
}  // namespace shadowwalk
