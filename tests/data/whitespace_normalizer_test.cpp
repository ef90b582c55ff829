#include "data/whitespace_normalizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <string>
#include <string_view>
#include <vector>

#include "../support/hostile_text.h"
#include "support/characters.h"
#include "support/utf8.h"
#include "support/whitespace.h"

namespace wavemt {
namespace {

std::string Utf8(char32_t character) {
  std::string text(U8_MAX_LENGTH, '\0');
  size_t size = 0;
  U8_APPEND_UNSAFE(text.data(), size, character);
  text.resize(size);
  return text;
}

TEST(NormalizeWhitespaceTest, MakesEveryWhiteSpaceOneSpace) {
  EXPECT_EQ(NormalizeWhitespace("We are teachers."), "We are teachers.");
  EXPECT_EQ(NormalizeWhitespace("We\u00A0are\tteachers."), "We are teachers.");
  EXPECT_EQ(NormalizeWhitespace("  We \u2003 are\u3000\u202F teachers.\r "), "We are teachers.");
  EXPECT_EQ(NormalizeWhitespace("one\u2028two\u0085three\vfour"), "one two three four");
  for (char32_t c = 0; c < 0x3100; ++c) {
    if (!IsPythonSpace(c)) continue;
    EXPECT_EQ(NormalizeWhitespace(fmt::format("a{}b", Utf8(c))), "a b") << std::hex << uint32_t{c};
  }
}

TEST(NormalizeWhitespaceTest, RemovesInvisibleCharacters) {
  EXPECT_EQ(NormalizeWhitespace("\u200BWe are"), "We are");
  EXPECT_EQ(NormalizeWhitespace("We\u200B are"), "We are");
  EXPECT_EQ(NormalizeWhitespace("tea\u00ADchers"), "teachers");
  EXPECT_EQ(NormalizeWhitespace("We \uFEFFare \u200E\u202Ateachers\u202C"), "We are teachers");
  EXPECT_EQ(NormalizeWhitespace(std::string_view("a\0b\x1B\x7F", 5)), "ab");
  EXPECT_EQ(NormalizeWhitespace("你\u2060好"), "你好");
}

TEST(NormalizeWhitespaceTest, ATextWithoutVisibleCharactersBecomesEmpty) {
  for (const std::string text :
       {"", " ", "\u200B", "\uFEFF ", "\u200E\u00AD", "\u3164\u115F", "\u200D\u200C", "\uFE0F"}) {
    EXPECT_EQ(NormalizeWhitespace(text), "") << text;
  }
}

TEST(NormalizeWhitespaceTest, KeepsWhatShapesItsNeighbours) {
  const std::vector<std::string> texts = {
      "می\u200Cخواهم",             // Persian: two forms of one word.
      "क\u094D\u200Dष",            // Hindi: a half letter.
      "👩\u200D🔬",                  // Emoji: a woman and a microscope are a scientist.
      "❤\uFE0F",                   // As a coloured emoji.
      "🏴\U000E0067\U000E0062",  // The beginning of Scotland's or Wales's flag.
  };
  for (const std::string& text : texts) EXPECT_EQ(NormalizeWhitespace(text), text);
  // A joiner with nothing to join is removed.
  EXPECT_EQ(NormalizeWhitespace("we\u200D are\u200C"), "we are");
  EXPECT_EQ(NormalizeWhitespace("می\u200C خواهم"), "می خواهم");
  EXPECT_EQ(NormalizeWhitespace("می\u200C"), "می");
}

TEST(NormalizeWhitespaceTest, IsIdempotent) {
  HostileText hostile(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = hostile.Line();
    const std::string once = NormalizeWhitespace(text);
    EXPECT_EQ(NormalizeWhitespace(once), once) << text;
    EXPECT_FALSE(FindInvalidUtf8(once));
  }
}

TEST(NormalizeWhitespaceTest, LeavesEveryOtherCharacterAlone) {
  int dropped = 0;
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (U_IS_SURROGATE(c) || IsPythonSpace(c)) continue;
    const std::string character = Utf8(c);
    const std::string normalized = NormalizeWhitespace(fmt::format("a{}b", character));
    if (normalized == "ab") {
      ++dropped;
      EXPECT_TRUE(!u_isgraph(static_cast<UChar32>(c)) ||
                  u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
          << std::hex << uint32_t{c};
    } else {
      EXPECT_EQ(normalized, fmt::format("a{}b", character));
    }
  }
  EXPECT_GT(dropped, 60);
}

}  // namespace
}  // namespace wavemt
