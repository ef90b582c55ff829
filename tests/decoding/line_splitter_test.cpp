#include "decoding/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text_model.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class LineSplitterTest : public testing::Test {
 protected:
  // Of a model of which nothing is known but its positions.
  SplitLine Split(const std::string& text, int64_t longest) {
    return Split(text, {.longest = longest});
  }

  SplitLine Split(const std::string& text, const LineSplitter::Options& options) {
    SplitLine line = LineSplitter(tokenizer_, options).Split(text);
    std::string joined;
    for (const auto& part : line.parts) {
      EXPECT_FALSE(part.empty());
      EXPECT_LE(static_cast<int64_t>(part.size()), options.longest);
      joined += tokenizer_->Decode(part);
    }
    EXPECT_EQ(WithoutSpaces(joined), WithoutSpaces(tokenizer_->Decode(tokenizer_->Encode(text))));
    return line;
  }

  template <typename How>
  std::vector<std::string> SplitText(const std::string& text, const How& how) {
    std::vector<std::string> texts;
    for (const auto& part : Split(text, how).parts) texts.push_back(tokenizer_->Decode(part));
    return texts;
  }

  static std::string WithoutSpaces(std::string text) {
    std::erase(text, ' ');
    return text;
  }

  int64_t Tokens(const std::string& text) {
    return static_cast<int64_t>(tokenizer_->Encode(text).size());
  }

  std::shared_ptr<const Tokenizer> tokenizer_ = ByteTokenizer();
};

TEST_F(LineSplitterTest, LosesNothingAtAnyLength) {
  const std::string text = "the old man saw the sea. why? my house was very big! a bird ran away.";
  for (int64_t longest = 1; longest <= Tokens(text) + 1; ++longest) {
    SCOPED_TRACE(longest);
    const auto parts = Split(text, longest).parts;
    EXPECT_GE(static_cast<int64_t>(parts.size()) * longest, Tokens(text));
  }
}

TEST_F(LineSplitterTest, CutsBehindTheLastSentenceThatFits) {
  const std::string first = "The cat sat down. The dog ran away!";
  const std::string second = "A bird saw the sea.";
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first + " A bird")),
              ElementsAre(first, second));
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first)), ElementsAre(first, second));
}

TEST_F(LineSplitterTest, CutsBehindChineseSentences) {
  const std::string first = "老人喜欢大海。猫坐下了。";
  const std::string second = "我在跑步。";
  // Each sentence has a mark of its beginning.
  EXPECT_THAT(SplitText(first + second, Tokens(first) + 1), ElementsAre(first, second));
}

TEST_F(LineSplitterTest, CutsBetweenWordsWhereNoSentenceEnds) {
  const std::string text = "the cat the old man a bird my house the sea the dog";
  EXPECT_TRUE(Split(text, 7).was_cut);
  const auto parts = SplitText(text, 7);
  ASSERT_GT(parts.size(), 1U);
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : " ") + part;
  EXPECT_EQ(joined, text);
}

TEST_F(LineSplitterTest, CutsAnywhereElse) {
  const std::string word = "catdogbirdcatdogbirdcatdogbirdcatdogbird";
  const auto parts = Split(word, 5).parts;
  ASSERT_GT(parts.size(), 2U);
  for (size_t i = 0; i + 1 < parts.size(); ++i) EXPECT_THAT(parts[i], SizeIs(5));
}

TEST_F(LineSplitterTest, LeavesAShortOneWholeAndABlankOneAway) {
  EXPECT_THAT(SplitText("The cat sat down. The dog ran away.", 100), SizeIs(1));
  EXPECT_FALSE(Split("the cat sat down.", 100).was_cut);
  EXPECT_TRUE(Split("", 5).parts.empty());
  EXPECT_TRUE(Split("   ", 5).parts.empty());
}

TEST_F(LineSplitterTest, AModelThatLearnedSingleSentencesGetsThemOneByOne) {
  const std::string text = "The cat sat down. The dog ran away! A bird.";
  const CorpusProfile single = {.pairs = 1000, .several_sentences = 49, .longest_source = 60};
  const CorpusProfile several = {.pairs = 1000, .several_sentences = 50, .longest_source = 60};
  const auto parts = [&](SentenceSplitting mode, std::optional<CorpusProfile> profile) {
    return SplitText(text, LineSplitter::Options{
                               .split_sentences = mode, .trained_on = profile, .longest = 100});
  };
  using enum SentenceSplitting;
  const auto one_by_one = ElementsAre("The cat sat down.", "The dog ran away!", "A bird.");
  EXPECT_THAT(parts(kAuto, single), one_by_one);
  EXPECT_THAT(parts(kAuto, several), SizeIs(1));
  EXPECT_THAT(parts(kAuto, std::nullopt), SizeIs(1));
  EXPECT_THAT(parts(kNever, single), SizeIs(1));
  EXPECT_THAT(parts(kAlways, several), one_by_one);
  EXPECT_THAT(parts(kAlways, std::nullopt), one_by_one);
}

TEST_F(LineSplitterTest, NothingNeedBeLongerThanWhatTrainingSaw) {
  const std::string first = "The cat sat down. The dog ran away!";
  const std::string second = "A bird saw the sea.";
  const CorpusProfile profile = {
      .pairs = 10, .several_sentences = 10, .longest_source = Tokens(first)};
  const LineSplitter::Options options = {.trained_on = profile, .longest = 1000};
  EXPECT_THAT(SplitText(first + " " + second, options), ElementsAre(first, second));
  EXPECT_FALSE(Split(first + " " + second, options).exceeds_training);
  // A sentence that is longer by itself stays whole, and is noted.
  const std::string longer =
      "the dog and the cat and the bird and the sea and the old man sat down.";
  EXPECT_THAT(SplitText(longer + " " + second, options), SizeIs(2));
  EXPECT_TRUE(Split(longer + " " + second, options).exceeds_training);
  EXPECT_FALSE(Split(longer + " " + second, options).was_cut);
}

TEST_F(LineSplitterTest, NotesCharactersThatTheVocabularyDoesNotKnow) {
  tokenizer_ = PlainTokenizer();
  EXPECT_TRUE(Split("the 界 cat", 20).has_unknown);
  EXPECT_FALSE(Split("the cat", 20).has_unknown);
}

// Of characters without a piece, SentencePiece would need minutes for these five megabytes.
TEST_F(LineSplitterTest, ALineOfMegabytesIsCutBeforeItIsTokenized) {
  tokenizer_ = PlainTokenizer();
  LineSplitter splitter(tokenizer_, {.longest = 7});
  std::string unknown;
  while (unknown.size() < 5'000'000) unknown += "界";
  ASSERT_EQ(Tokens("the 界界界 cat"), Tokens("the 界 cat")) << "each run is one token";
  EXPECT_GT(splitter.Split(unknown).parts.size(), 1U);
  EXPECT_TRUE(splitter.Split(std::string(5'000'000, ' ')).parts.empty());

  std::string text;
  for (int i = 0; i < 8'000; ++i) text += "The cat sat down. My house was very big! ";
  text.pop_back();
  const auto parts = LineSplitter(tokenizer_, {.longest = 50}).Split(text).parts;
  std::string joined;
  for (const auto& part : parts) {
    EXPECT_LE(part.size(), 50U);
    if (!joined.empty()) joined += ' ';
    joined += tokenizer_->Decode(part);
  }
  EXPECT_EQ(joined, tokenizer_->Decode(tokenizer_->Encode(text)));
}

// Neither one between tokens nor one before tokenizing.
TEST_F(LineSplitterTest, ACutNeverDividesACharacter) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(static_cast<size_t>(shift), 'a');
    while (text.size() < 200'000) text += "🌊";
    std::string joined;
    for (const auto& part : LineSplitter(ByteTokenizer(), {.longest = 100}).Split(text).parts) {
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
