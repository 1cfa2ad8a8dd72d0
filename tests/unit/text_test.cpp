// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "text/utf8.h"

namespace agones::plugin {
namespace {

TEST(Utf8, ReplacesWhatIsNone) {
  EXPECT_EQ(to_utf8("plain"), "plain");
  EXPECT_EQ(to_utf8("\xc3\xa4\xf0\x9f\x98\x80"), "\xc3\xa4\xf0\x9f\x98\x80");
  EXPECT_EQ(to_utf8("a\xff\xc3("), "a\xef\xbf\xbd\xef\xbf\xbd(");
  EXPECT_TRUE(is_utf8(to_utf8(std::string("\x80\xed\xa0\x80\xf8\0", 6))));
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(cut_utf8("abc", 5), "abc");
  EXPECT_EQ(cut_utf8("a\xc3\xa4", 2), "a");
  EXPECT_EQ(cut_utf8("a\xf0\x9f\x98\x80z", 4), "a");
  EXPECT_EQ(cut_utf8("a\xf0\x9f\x98\x80z", 5), "a\xf0\x9f\x98\x80");
  EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80\x80\x80", 6).size(), 6U) << "no character to keep whole";
}

TEST(Utf8, ALineHasNoControlCharacters) {
  EXPECT_EQ(to_line("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(to_line("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(to_line("\xc2\x9b"), "\\x9b") << "a control sequence of eight bits";
  EXPECT_EQ(to_line("\xc3\xa4\xff"), "\xc3\xa4\xef\xbf\xbd");
}

}  // namespace
}  // namespace agones::plugin
