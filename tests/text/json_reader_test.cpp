#include "harness/text/json_reader.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "harness/machine/error.hpp"

namespace shadowwalk {
namespace {

using nlohmann::json;
using testing::StartsWith;

/// What reading `text` by `read` complains of; empty: of nothing.
std::string json_complaint(std::string_view text, const std::function<void(const JsonValue&)>& read = {}) {
  try {
    const json document = parse_json(text);
    if (read) read(JsonValue(document));
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST(ParseJson, TakesWhatTheFormatAllows) {
  EXPECT_EQ(json_complaint(R"( {"a": [1, -2, 3.5, true, null, "\u0000"], "": {}} )"), "");
  EXPECT_EQ(parse_json("18446744073709551615").get<std::uint64_t>(), UINT64_MAX);
}

TEST(ParseJson, SaysWhereATextIsNone) {
  EXPECT_EQ(json_complaint(""), "is no JSON: byte 1 is wrong");
  EXPECT_EQ(json_complaint("{\"a\": tru}"), "is no JSON: byte 10 is wrong");
  for (const char* text : {"{", "[1,]", "{} {}", "{'a': 1}", "[1e999]", "NaN", "\"\xff\"", "\"\n\""}) {
    EXPECT_THAT(json_complaint(text), StartsWith("is no JSON: byte ")) << text;
  }
}

TEST(ParseJson, AZeroByteEndsNothing) {
  using namespace std::string_view_literals;
  EXPECT_EQ(json_complaint("{}\0garbage"sv), "is no JSON: byte 3 is zero");
  EXPECT_EQ(json_complaint("{}\0"sv), "is no JSON: byte 3 is zero");
}

TEST(ParseJson, NestingIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(json_complaint(nested(kMostJsonDepth)), "");
  for (const std::string& text : {nested(kMostJsonDepth + 1), std::string(10'000'000, '[')}) {
    EXPECT_EQ(json_complaint(text), "is nested more than 64 deep");
  }
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(json_complaint(objects), "is nested more than 64 deep");
}

TEST(ParseJson, PartsAreBounded) {
  std::string lists = "[";
  for (std::size_t i = 2; i < kMostJsonParts; ++i) lists += "[],";
  EXPECT_EQ(json_complaint(lists + "{},[]]"), "has more than 1048576 lists and objects");
  EXPECT_THAT(json_complaint(lists + "{}"), StartsWith("is no JSON")) << "one fewer is looked at to its end";
}

TEST(ParseJson, AKeyStandsOnceInAnObject) {
  EXPECT_EQ(json_complaint(R"({"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]})"), "");
  EXPECT_EQ(json_complaint(R"({"a": 1, "b": 2, "\u0061": 3})"), "has the key \"a\" twice in one object");
  EXPECT_EQ(json_complaint(R"([{"\u001b": 1, "\u001b": 2}])"), "has the key \"\\x1b\" twice in one object");
}

TEST(JsonValueReader, NamesWhatIsWrong) {
  const char* text = R"({"a": {"list": [1, "two", {"x": 3}]}, "text": "\u001b[2J", "number": 2.5})";
  const auto complaint = [&](const std::function<void(const JsonValue&)>& read) { return json_complaint(text, read); };
  EXPECT_EQ(complaint([](auto& v) { v.at("b"); }), "b is missing");
  EXPECT_EQ(complaint([](auto& v) { v.at("a").at("b"); }), "a.b is missing");
  EXPECT_EQ(complaint([](auto& v) { v.at("text").at("b"); }), "text is no object");
  EXPECT_EQ(complaint([](auto& v) { v.elements(); }), "the file is of another type; it must be a list");
  EXPECT_EQ(complaint([](auto& v) { v.at("a").at("list").elements().at(1).template number<int>(); }),
            "a.list[1] is of another type; it must be a whole number");
  EXPECT_EQ(complaint([](auto& v) { v.at("a").at("list").elements().at(2).at("x").flag(); }),
            "a.list[2].x is of another type; it must be true or false");
  EXPECT_EQ(complaint([](auto& v) { v.at("number").raw_text(); }), "number is of another type; it must be a string");
  EXPECT_EQ(complaint([](auto& v) { v.at("text").text(); }),
            "text has characters that cannot be printed: \"\\x1b[2J\"");
  EXPECT_EQ(complaint([](auto& v) { EXPECT_EQ(v.at("text").raw_text(), "\x1b[2J"); }), "");
  EXPECT_EQ(
      json_complaint("{\"" + std::string(100'000, 'k') + "\": {}}", [](auto& v) { v.members().front().second.flag(); })
          .size(),
      80 + std::string("[... 99920 bytes ...] is of another type; it must be true or false").size());
}

TEST(JsonValueReader, NumbersAreWholeAndInRange) {
  const auto complaint = [](const char* text, auto least, auto most) {
    return json_complaint(text, [&](const JsonValue& value) { value.number(least, most); });
  };
  EXPECT_EQ(complaint("7", 7, 7), "");
  EXPECT_EQ(complaint("-8", -8, 7), "");
  EXPECT_EQ(complaint("18446744073709551615", std::uint64_t{0}, UINT64_MAX), "");
  EXPECT_EQ(complaint("8", 0, 7), "the file is 8, not 0 to 7");
  EXPECT_EQ(complaint("-1", 0u, 7u), "the file is -1, not 0 to 7");
  EXPECT_EQ(complaint("4294967297", 0, 7), "the file is 4294967297, not 0 to 7");
  EXPECT_EQ(complaint("18446744073709551615", -1, 7), "the file is 18446744073709551615, not -1 to 7");
  for (const char* text : {"1.0", "1e300", "true", "null", "\"1\"", "[1]", "{}", "18446744073709551616"}) {
    EXPECT_EQ(complaint(text, 0, 7), "the file is of another type; it must be a whole number") << text;
    EXPECT_EQ(complaint(text, 0u, 7u), "the file is of another type; it must be a whole number") << text;
  }
}

}  // namespace
}  // namespace shadowwalk
