#include "support/utf8.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace wavemt {
namespace {

// Encodes a code point in UTF-8 without checks: accepts surrogates and numbers out of range.
std::string Encode(uint32_t code_point, int length) {
  if (length == 1) return {static_cast<char>(code_point)};
  std::string bytes;
  for (int i = 0; i < length - 1; ++i, code_point >>= 6) {
    bytes.insert(bytes.begin(), static_cast<char>(0x80 | (code_point & 0x3F)));
  }
  const auto marker = static_cast<uint32_t>(0xF00 >> length & 0xFF);
  bytes.insert(bytes.begin(), static_cast<char>(marker | code_point));
  return bytes;
}

int ShortestLength(uint32_t code_point) {
  return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

// The length of the first character of `text`, or 0 if invalid: RFC 3629, section 3, literally.
size_t ReferenceLength(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  const int length = first < 0x80             ? 1
                     : (first & 0xE0) == 0xC0 ? 2
                     : (first & 0xF0) == 0xE0 ? 3
                     : (first & 0xF8) == 0xF0 ? 4
                                              : 0;
  if (length == 0 || text.size() < static_cast<size_t>(length)) return 0;
  uint32_t code_point = length == 1 ? first : first & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[static_cast<size_t>(i)]);
    if ((byte & 0xC0) != 0x80) return 0;
    code_point = code_point << 6 | (byte & 0x3F);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (surrogate || code_point > 0x10FFFF || ShortestLength(code_point) != length) return 0;
  return static_cast<size_t>(length);
}

std::optional<size_t> ReferenceFind(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = ReferenceLength(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

TEST(FindInvalidUtf8Test, TakesEveryCodePoint) {
  std::string all;
  for (uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point < 0xD800 || code_point > 0xDFFF) {
      all += Encode(code_point, ShortestLength(code_point));
    }
  }
  EXPECT_EQ(FindInvalidUtf8(all), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8(""), std::nullopt);
}

TEST(FindInvalidUtf8Test, RefusesOverlongForms) {
  for (const uint32_t code_point : {0U, 0x2FU, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU}) {
    for (int length = ShortestLength(code_point) + 1; length <= 4; ++length) {
      EXPECT_EQ(FindInvalidUtf8(std::string("ab") + Encode(code_point, length)), 2) << code_point;
    }
  }
}

TEST(FindInvalidUtf8Test, RefusesEverySurrogate) {
  for (uint32_t surrogate = 0xD800; surrogate <= 0xDFFF; ++surrogate) {
    ASSERT_EQ(FindInvalidUtf8(std::string("é") + Encode(surrogate, 3)), 2) << surrogate;
  }
}

TEST(FindInvalidUtf8Test, RefusesWhatLiesBeyondUnicode) {
  EXPECT_EQ(FindInvalidUtf8(Encode(0x10FFFF, 4)), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8(Encode(0x110000, 4)), 0);
  EXPECT_EQ(FindInvalidUtf8(Encode(0x1FFFFF, 4)), 0);
  EXPECT_EQ(FindInvalidUtf8("\xF8\x88\x80\x80\x80"), 0);
}

TEST(FindInvalidUtf8Test, RefusesCharactersCutShort) {
  for (const std::string_view character : {"é", "字", "🌊"}) {
    const std::string text = fmt::format("a{}b", character);
    for (size_t size = 1; size < character.size(); ++size) {
      EXPECT_EQ(FindInvalidUtf8(text.substr(0, 1 + size)), 1) << text;
      EXPECT_EQ(FindInvalidUtf8(text.substr(1 + size)), 0) << text;
      std::string gap = text;
      gap.erase(1 + size, 1);
      EXPECT_EQ(FindInvalidUtf8(gap), 1) << text;
    }
  }
}

// All sequences of up to four of the bytes at the boundaries of ranges in RFC 3629.
TEST(FindInvalidUtf8Test, AgreesWithTheReferenceOnEverySequence) {
  const std::vector<int> edges = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                  0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                  0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF};
  for (int length = 1; length <= 4; ++length) {
    std::vector<size_t> choice(static_cast<size_t>(length), 0);
    for (bool more = true; more;) {
      std::string text;
      for (const size_t c : choice) text += static_cast<char>(edges[c]);
      ASSERT_EQ(FindInvalidUtf8(text), ReferenceFind(text)) << testing::PrintToString(text);
      size_t digit = 0;
      while (digit < choice.size() && ++choice[digit] == edges.size()) choice[digit++] = 0;
      more = digit < choice.size();
    }
  }
}

std::vector<std::string> Characters(std::string_view text) {
  std::vector<std::string> characters;
  for (size_t i = 0; i < text.size(); i += characters.back().size()) {
    characters.emplace_back(text.substr(i, ReferenceLength(text.substr(i))));
  }
  return characters;
}

// The Unicode standard, section 3.9, tables 3-8 to 3-11.
TEST(ReplaceInvalidUtf8Test, ReplacesEachMaximalSubpart) {
  // Letters instead of U+FFFD make the replacements easy to count.
  const auto replaced = [](const char* bytes) {
    std::string letters;
    for (const std::string& character : Characters(ReplaceInvalidUtf8(bytes))) {
      letters += character == "\uFFFD" ? '_' : character[0];
    }
    return letters;
  };
  EXPECT_EQ(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "________A");
  EXPECT_EQ(replaced("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), "________A");
  EXPECT_EQ(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), "_____A__B");
  EXPECT_EQ(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "____A");
}

TEST(ReplaceInvalidUtf8Test, LeavesWellFormedTextAlone) {
  for (const std::string text : {"", "a\r\u0085\u2028é字🌊\uFFFD\uFEFF"}) {
    EXPECT_EQ(ReplaceInvalidUtf8(text), text);
  }
}

}  // namespace
}  // namespace wavemt
