#include "support/display_width.h"

#include <gtest/gtest.h>
#include <unicode/utf8.h>

#include <clocale>
#include <cwchar>
#include <string>
#include <utility>

namespace wavemt {
namespace {

std::string CharacterText(char32_t character) {
  std::string text(4, '\0');
  int32_t size = 0;
  U8_APPEND_UNSAFE(text.data(), size, static_cast<UChar32>(character));
  text.resize(static_cast<size_t>(size));
  return text;
}

// The C library's own table, of letters, ideographs and marks that it has had for long.
TEST(DisplayWidthTest, IsWhatTheCLibrarySays) {
  const locale_t utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) GTEST_SKIP() << "no locale C.UTF-8 here";
  const locale_t before = uselocale(utf8);
  constexpr std::pair<char32_t, char32_t> kRanges[] = {
      {0x20, 0x7E},     {0xA1, 0x24F},    {0x300, 0x36F},   {0x391, 0x3A1},    {0x410, 0x44F},
      {0x5D0, 0x5EA},   {0x628, 0x64A},   {0x64B, 0x652},   {0x905, 0x939},    {0xE01, 0xE30},
      {0x1161, 0x1175}, {0x11A8, 0x11C2}, {0x3041, 0x3096}, {0x30A1, 0x30FA},  {0x3001, 0x3002},
      {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3}, {0xFF01, 0xFF5E}, {0x1F600, 0x1F64F}};
  for (const auto& [first, last] : kRanges) {
    for (char32_t character = first; character <= last; ++character) {
      ASSERT_EQ(DisplayWidth(CharacterText(character)), wcwidth(static_cast<wchar_t>(character)))
          << std::hex << static_cast<uint32_t>(character);
    }
  }
  uselocale(before);
  freelocale(utf8);
}

TEST(DisplayWidthTest, OfATextIsTheSum) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("a医e\u0301"), 4);
}

TEST(CutToWidthTest, KeepsWholeCharactersWithTheirMarks) {
  EXPECT_EQ(CutToWidth("医生买笔", 5), "医生");
  EXPECT_EQ(CutToWidth("医生买笔", 8), "医生买笔");
  EXPECT_EQ(CutToWidth("e\u0301e\u0301", 1), "e\u0301");
  EXPECT_EQ(CutToWidth("text", 0), "");
  EXPECT_EQ(CutToWidth("text", -1), "");
}

TEST(ShortenedTest, EndsWithDotsIfSomethingIsMissing) {
  EXPECT_EQ(Shortened("医生买笔", 8), "医生买笔");
  EXPECT_EQ(Shortened("医生买笔", 7), "医生买…");
  EXPECT_EQ(Shortened("医生买笔", 6), "医生…");
  EXPECT_EQ(Shortened("text", 1), "…");
  EXPECT_EQ(Shortened("text", 0), "");
}

TEST(DisplayableTest, HasNothingThatATerminalObeys) {
  EXPECT_EQ(Displayable("A cat.\t医"), "A cat. 医");
  EXPECT_EQ(Displayable("\x1b[2J\r\n\x7F"), "\uFFFD[2J\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(Displayable("\u009B2J\u2028\u202E"), "\uFFFD2J\uFFFD\uFFFD");
  EXPECT_EQ(Displayable("\xFF"), "\uFFFD");
  EXPECT_EQ(Displayable("\u0915\u094D\u200D\u0937"), "\u0915\u094D\u200D\u0937");  // Joined.
}

}  // namespace
}  // namespace wavemt
