#include "decoding/long_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text_model.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class SplitLongInputTest : public testing::Test {
 protected:
  std::vector<std::vector<int32_t>> Split(const std::string& text, int64_t longest) {
    auto parts = SplitLongInput(*tokenizer_, text, longest);
    std::vector<int32_t> joined;
    for (const auto& part : parts) {
      EXPECT_FALSE(part.empty());
      EXPECT_LE(static_cast<int64_t>(part.size()), longest);
      joined.insert(joined.end(), part.begin(), part.end());
    }
    EXPECT_EQ(joined, tokenizer_->Encode(text));
    return parts;
  }

  std::vector<std::string> SplitText(const std::string& text, int64_t longest) {
    std::vector<std::string> texts;
    for (const auto& part : Split(text, longest)) texts.push_back(tokenizer_->Decode(part));
    return texts;
  }

  int64_t Tokens(const std::string& text) {
    return static_cast<int64_t>(tokenizer_->Encode(text).size());
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = PlainTokenizer();
};

TEST_F(SplitLongInputTest, LosesNothingAtAnyLength) {
  const std::string text = "the old man saw the sea. why? my house was very big! a bird ran away.";
  for (int64_t longest = 1; longest <= Tokens(text) + 1; ++longest) {
    SCOPED_TRACE(longest);
    const auto parts = Split(text, longest);
    EXPECT_GE(static_cast<int64_t>(parts.size()) * longest, Tokens(text));
  }
}

TEST_F(SplitLongInputTest, CutsBehindTheLastSentenceThatFits) {
  const std::string first = "the cat sat down. the dog ran away!";
  const std::string second = "a bird saw the sea.";
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first + " a bird")),
              ElementsAre(first, second));
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first)), ElementsAre(first, second));
}

TEST_F(SplitLongInputTest, CutsBehindChineseSentences) {
  const std::string first = "老人喜欢大海。猫坐下了。";
  const std::string second = "我在跑步。";
  EXPECT_THAT(SplitText(first + second, Tokens(first) + 1), ElementsAre(first, second));
}

TEST_F(SplitLongInputTest, CutsBetweenWordsWhereNoSentenceEnds) {
  const std::string text = "the cat the old man a bird my house the sea the dog";
  const auto parts = SplitText(text, 7);
  ASSERT_GT(parts.size(), 1U);
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : " ") + part;
  EXPECT_EQ(joined, text);
}

TEST_F(SplitLongInputTest, CutsAnywhereElse) {
  const std::string word = "catdogbirdcatdogbirdcatdogbirdcatdogbird";
  const auto parts = Split(word, 5);
  ASSERT_GT(parts.size(), 2U);
  for (size_t i = 0; i + 1 < parts.size(); ++i) EXPECT_THAT(parts[i], SizeIs(5));
}

TEST_F(SplitLongInputTest, LeavesAShortOneWholeAndABlankOneAway) {
  EXPECT_THAT(SplitText("the cat sat down.", 100), ElementsAre("the cat sat down."));
  EXPECT_TRUE(Split("", 5).empty());
  EXPECT_TRUE(Split("   ", 5).empty());
}

// Of characters without a piece, SentencePiece would need minutes for these five megabytes.
TEST_F(SplitLongInputTest, ALineOfMegabytesIsCutBeforeItIsTokenized) {
  std::string unknown;
  while (unknown.size() < 5'000'000) unknown += "界";
  ASSERT_EQ(Tokens("the 界界界 cat"), Tokens("the 界 cat")) << "each run is one token";
  EXPECT_GT(SplitLongInput(*tokenizer_, unknown, 7).size(), 1U);
  EXPECT_TRUE(SplitLongInput(*tokenizer_, std::string(5'000'000, ' '), 7).empty());

  std::string text;
  for (int i = 0; i < 8'000; ++i) text += "the cat sat down. my house was very big! ";
  text.pop_back();
  const auto parts = SplitLongInput(*tokenizer_, text, 50);
  std::string joined;
  for (const auto& part : parts) {
    EXPECT_LE(part.size(), 50U);
    if (!joined.empty()) joined += ' ';
    joined += tokenizer_->Decode(part);
  }
  EXPECT_EQ(joined, text);
}

// Neither one between tokens nor one before tokenizing.
TEST_F(SplitLongInputTest, ACutNeverDividesACharacter) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(static_cast<size_t>(shift), 'a');
    while (text.size() < 200'000) text += "🌊";
    std::string joined;
    for (const auto& part : SplitLongInput(*ByteTokenizer(), text, 100)) {
      joined += ByteTokenizer()->Decode(part);
    }
    EXPECT_EQ(joined.find("\uFFFD"), std::string::npos) << shift;
  }
}

TEST(JoinParts, PutsASpaceBetweenWordsOfMostScripts) {
  EXPECT_EQ(JoinParts({"Hello.", "How are you?"}), "Hello. How are you?");
  EXPECT_EQ(JoinParts({"Привет.", "Как дела?"}), "Привет. Как дела?");
  EXPECT_EQ(JoinParts({"déjà", "élan"}), "déjà élan");
}

TEST(JoinParts, PutsNoneBesideChineseAndJapanese) {
  EXPECT_EQ(JoinParts({"你好。", "我喜欢猫。"}), "你好。我喜欢猫。");
  EXPECT_EQ(JoinParts({"我喜欢", "猫"}), "我喜欢猫");
  EXPECT_EQ(JoinParts({"はい、", "そうです。"}), "はい、そうです。");
  EXPECT_EQ(JoinParts({"カタカナ", "ひらがな"}), "カタカナひらがな");
  EXPECT_EQ(JoinParts({"真的吗？", "Hello"}), "真的吗？Hello");
}

TEST(JoinParts, PutsASpaceBetweenKoreanWords) {
  EXPECT_EQ(JoinParts({"안녕하세요.", "반갑습니다."}), "안녕하세요. 반갑습니다.");
}

TEST(JoinParts, SkipsEmptyParts) {
  EXPECT_EQ(JoinParts({}), "");
  EXPECT_EQ(JoinParts({"", ""}), "");
  EXPECT_EQ(JoinParts({"", "a", "", "b", ""}), "a b");
}

TEST(JoinParts, TakesAnyBytes) {
  EXPECT_EQ(JoinParts({"\xFF", "\xE4\xBD"}), "\xFF \xE4\xBD");
  EXPECT_EQ(JoinParts({"a\x80\x80\x80\x80\x80", "b"}), "a\x80\x80\x80\x80\x80 b");
}

}  // namespace
}  // namespace wavemt
