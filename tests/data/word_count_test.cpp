#include "data/cleaning/word_count.h"

#include <gtest/gtest.h>

#include <string_view>

namespace wavemt {
namespace {

int64_t Words(std::string_view text) { return SizeOfText(text).words; }

TEST(WordCountTest, WhiteSpaceSeparatesWords) {
  EXPECT_EQ(Words(""), 0);
  EXPECT_EQ(Words("  \t\u3000\u00A0"), 0);
  EXPECT_EQ(Words("A cat."), 2);
  EXPECT_EQ(Words(" don't\u00A0well-known \u3000 x "), 3);
  EXPECT_EQ(Words("wait - what ?"), 4);  // As tokenized text counts.
  EXPECT_EQ(Words("한국어 문장"), 2);
}

TEST(WordCountTest, LettersOfScriptsWithoutSpacesAreWordsOrPartsOfThem) {
  EXPECT_EQ(Words("你好。"), 2);
  EXPECT_EQ(Words("。"), 1);
  EXPECT_EQ(Words("在iPhone上,"), 3);
  EXPECT_EQ(Words("共3个 人"), 4);
  EXPECT_EQ(Words("ひらカタ漢"), 3);
  EXPECT_EQ(Words("おはようございます。"), 5);
  EXPECT_EQ(Words("コーヒー"), 2);
  EXPECT_EQ(Words("กา"), 1);
  EXPECT_EQ(Words("กากากา"), 2);
  EXPECT_EQ(Words("กา กา"), 2);
  EXPECT_EQ(Words("ກ ក က"), 3);
  EXPECT_EQ(Words("日本のABC"), 4);  // Two of Han, half a one of kana, one of Latin.
}

TEST(WordCountTest, CountsCharacters) {
  EXPECT_EQ(SizeOfText("aä中😀 ").characters, 5);
  EXPECT_EQ(SizeOfText("").characters, 0);
}

}  // namespace
}  // namespace wavemt
