#include "harness/os/printable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace shadowwalk::os {
namespace {

TEST(PrintableTest, OrdinaryTextStays) {
  for (const char* text :
       {"", "rcu-counter", "K\xc3\xa4se", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x90\x91", "a\\x1b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(PrintableTest, WhatATerminalWouldObeyIsShown) {
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("two\nlines\r\t"), "two\\x0alines\\x0d\\x09");
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\u{9b}2J")
      << "CSI of the C1 set";
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "gnp.exe"),
            "\\u{202e}gnp.exe")
      << "right-to-left override";
  EXPECT_EQ(printable("\xe2\x80\xa8"), "\\u{2028}") << "line separator";
}

TEST(PrintableTest, BytesThatAreNoTextAreShown) {
  EXPECT_EQ(printable("\x9b"), "\\x9b");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut off";
}

TEST(PrintableTest, TheMiddleOfLongTextIsLeftOut) {
  EXPECT_EQ(printable("0123456789", 10), "0123456789");
  EXPECT_EQ(printable(std::string(1000, 'a') + std::string(1000, 'z'), 12), "aaaaaaaa[... 1988 bytes ...]zzzz");
  EXPECT_EQ(printable("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 5), "\xc3\xa4[... 6 bytes ...]\xc3\xa4");
}

TEST(PrintableTest, AnErrorIsOneLine) {
  EXPECT_EQ(error_line("first\nsecond \x1b[2J"), "first second \\x1b[2J");
  const std::string line = error_line("what " + std::string(100'000, '\x01') + " where");
  EXPECT_LT(line.size(), 2100u);
  EXPECT_TRUE(line.starts_with("what \\x01") && line.ends_with("\\x01 where"));
}

TEST(PrintableTest, OfAnyBytesTheResultIsPrintable) {
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string shown = printable(bytes, 30);
    EXPECT_EQ(printable(shown), shown);
    for (const unsigned char c : shown) EXPECT_TRUE(c >= 0x20 && c != 0x7f);
  }
}

}  // namespace
}  // namespace shadowwalk::os
