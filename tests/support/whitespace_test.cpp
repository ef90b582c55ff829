#include "support/whitespace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/lowercase.h"

namespace wavemt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> words;
  SplitOnSpace(text, &words);
  return words;
}

TEST(WhitespaceTest, SplitsWherePythonDoes) {
  EXPECT_THAT(Split("a\tb\x1c"
                    "c\u00a0d\u3000e\u0085f"),
              ElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_THAT(Split("  a  "), ElementsAre("a"));
  EXPECT_THAT(Split(" \u2028 "), IsEmpty());
  EXPECT_THAT(Split(""), IsEmpty());
}

TEST(WhitespaceTest, ZeroWidthSpaceAndByteOrderMarkAreNone) {
  EXPECT_THAT(Split("a\u200bb\ufeffc"), ElementsAre("a\u200bb\ufeffc"));
}

TEST(WhitespaceTest, Strips) {
  EXPECT_EQ(Strip("\u3000 a b\u00a0\n"), "a b");
  EXPECT_EQ(StripRight("\u3000 a b\u00a0\n"), "\u3000 a b");
  EXPECT_EQ(StripRight("字"), "字");
  EXPECT_EQ(StripRight(" \u3000"), "");
  EXPECT_EQ(Strip(" \u3000"), "");
}

TEST(WhitespaceTest, IllFormedBytesAreNoSpaces) {
  EXPECT_EQ(StripRight("a \xe3\x80"), "a \xe3\x80");
  EXPECT_EQ(StripRight("\x80\x80\x80\x80"), "\x80\x80\x80\x80");
  EXPECT_THAT(Split("a \xff b"), ElementsAre("a", "\xff", "b"));
}

TEST(LowercaseTest, MapsAsUnicodeDoes) {
  EXPECT_EQ(Lowercase("ABC xyz 1"), "abc xyz 1");
  EXPECT_EQ(Lowercase("ÄÖÜẞ МОСКВА"), "äöüß москва");
  EXPECT_EQ(Lowercase("ΟΔΥΣΣΕΥΣ ΑΣ."), "οδυσσευς ας.");  // The final sigma.
  EXPECT_EQ(Lowercase("İI"), "i\u0307i");                // Not Turkish.
}

}  // namespace
}  // namespace wavemt
