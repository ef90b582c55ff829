#include "decoding/one_line.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support/utf8.h"
#include "text_model.h"

namespace wavemt {
namespace {

using namespace std::string_literals;

TEST(OnOneLineTest, EveryLineBreakBecomesASpace) {
  // Those of Python's str.splitlines(), which knows the most, and what ends a text in C and MS-DOS.
  for (const std::string& breaks : {"\n"s, "\r"s, "\v"s, "\f"s, "\x1c"s, "\x1d"s, "\x1e"s,
                                    "\u0085"s, "\u2028"s, "\u2029"s, "\0"s, "\x1a"s, "\x1b"s}) {
    EXPECT_EQ(OnOneLine("a" + breaks + "字"), "a 字") << testing::PrintToString(breaks);
    EXPECT_EQ(OnOneLine(breaks + breaks), "  ");
  }
}

TEST(OnOneLineTest, LeavesTextAlone) {
  for (const std::string text : {"", "Crème brûlée, 全角！", "tab\there", "no\u00a0break",
                                 "👩‍👩‍👧 e\u0301", "\u200b\uFEFF\u202e\uFFFD"}) {
    EXPECT_EQ(OnOneLine(text), text);
  }
}

TEST(OnOneLineTest, IllFormedUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(OnOneLine("a\xFF\xC0\x80z"), "a\uFFFD\uFFFD\uFFFDz");
  EXPECT_EQ(OnOneLine("\xE5\xAD"), "\uFFFD");
}

// Decoded by the tokenizer, which joins byte pieces into characters.
TEST(OnOneLineTest, AnySequenceOfBytePiecesIsALineOfUtf8) {
  const Tokenizer& tokenizer = *ByteTokenizer();
  std::vector<int32_t> bytes;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) bytes.push_back(id);
  std::mt19937_64 generator(1);
  const auto check = [&](const std::vector<int32_t>& ids) {
    const std::string line = OnOneLine(tokenizer.Decode(ids));
    ASSERT_EQ(FindInvalidUtf8(line), std::nullopt) << testing::PrintToString(ids);
    ASSERT_EQ(line.find_first_of("\n\r\v\f\0"s), std::string::npos) << testing::PrintToString(ids);
    for (const std::string_view separator : {"\u0085", "\u2028", "\u2029"}) {
      ASSERT_EQ(line.find(separator), std::string::npos) << testing::PrintToString(ids);
    }
  };
  for (const int32_t a : bytes) {
    check({a});
    for (const int32_t b : bytes) check({a, b});
  }
  for (int trial = 0; trial < 20'000; ++trial) {
    std::vector<int32_t> ids(generator() % 12);
    for (int32_t& id : ids) id = bytes[generator() % bytes.size()];
    check(ids);
  }
}

}  // namespace
}  // namespace wavemt
