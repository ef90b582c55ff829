#include "decoding/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/tokenizer_trainer.h"
#include "text_model.h"

namespace wavemt {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class LineSplitterTest : public testing::Test {
 protected:
  // As for a model whose training data is unknown.
  SplitLine Split(const std::string& text, int64_t longest) {
    return Split(text, {.longest = longest});
  }

  SplitLine Split(const std::string& text, const LineSplitter::Options& options) {
    SplitLine line = LineSplitter(tokenizer_, options).Split(text);
    std::string joined;
    for (const auto& segment : line.segments) {
      EXPECT_FALSE(segment.empty());
      EXPECT_LE(static_cast<int64_t>(segment.size()), options.longest);
      joined += tokenizer_->Decode(segment);
    }
    EXPECT_EQ(WithoutSpaces(joined), WithoutSpaces(tokenizer_->Decode(tokenizer_->Encode(text))));
    return line;
  }

  template <typename Limit>
  std::vector<std::string> SplitText(const std::string& text, const Limit& limit) {
    std::vector<std::string> texts;
    for (const auto& segment : Split(text, limit).segments) {
      texts.push_back(tokenizer_->Decode(segment));
    }
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
    const auto segments = Split(text, longest).segments;
    EXPECT_GE(static_cast<int64_t>(segments.size()) * longest, Tokens(text));
  }
}

TEST_F(LineSplitterTest, CutsAfterTheLastSentenceThatFits) {
  const std::string first = "The cat sat down. The dog ran away!";
  const std::string second = "A bird saw the sea.";
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first + " A bird")),
              ElementsAre(first, second));
  EXPECT_THAT(SplitText(first + " " + second, Tokens(first)), ElementsAre(first, second));
}

// The models that know language codes expect one at the beginning of every source.
TEST_F(LineSplitterTest, EverySegmentBeginsWithTheLinesLanguageCode) {
  std::vector<std::string> pieces = {">>zho<<"};
  for (int32_t id = 0; id < tokenizer_->vocab_size(); ++id)
    pieces.push_back(tokenizer_->PieceOf(id));
  const auto vocabulary = Vocabulary::FromBytes(VocabularyText(pieces), "v.json");
  const auto tokenizer = Tokenizer::FromBytes(tokenizer_->bytes(), "examples", {}, vocabulary);
  const std::string sentence = "The cat sat down.";
  std::vector<int32_t> expected = tokenizer->Encode(sentence);
  expected.insert(expected.begin(), 0);
  const auto split = [&](const std::string& line, const LineSplitter::Options& options) {
    return LineSplitter(tokenizer, options).Split(line).segments;
  };
  const LineSplitter::Options one_by_one = {.split_sentences = SentenceSplitting::kAlways,
                                            .longest = 100};
  EXPECT_THAT(split(">>zho<< " + sentence + " " + sentence, one_by_one),
              ElementsAre(expected, expected));
  EXPECT_THAT(split(">>zho<< ", one_by_one), SizeIs(0));
  // The code of a line takes the place of a prefix.
  const LineSplitter::Options with_prefix = {
      .split_sentences = SentenceSplitting::kAlways, .prefix = {1}, .longest = 100};
  EXPECT_THAT(split(">>zho<< " + sentence, with_prefix), ElementsAre(expected));
  EXPECT_EQ(split(sentence, with_prefix).front().front(), 1);
  const auto cut = split(">>zho<<" + sentence + sentence, {.longest = 5});
  EXPECT_THAT(cut, SizeIs(testing::Gt(1)));
  for (const auto& segment : cut) {
    EXPECT_LE(segment.size(), 5);
    EXPECT_EQ(segment.front(), 0);
  }
}

// Training puts the tags of a corpus before each of its sentences.
TEST_F(LineSplitterTest, EverySegmentBeginsWithThePrefixAndTheLinesTags) {
  TokenizerConfig config;
  config.vocab_size = 281;
  config.user_defined_symbols = {"<2de>", "[news]", "<url>"};
  const auto tokenizer =
      Tokenizer::FromBytes(TrainTokenizer(config, {"The cat sat down.", "A bird ran away."}), "x");
  const std::string sentence = "The cat sat down.";
  const auto encode = [&](const std::string& text) { return tokenizer->Encode(text); };
  const auto split = [&](const std::string& line, const LineSplitter::Options& options) {
    return LineSplitter(tokenizer, options).Split(line).segments;
  };
  LineSplitter::Options options = {
      .split_sentences = SentenceSplitting::kAlways, .tags = {"<2de>", "[news]"}, .longest = 100};
  const auto tagged = encode("<2de> " + sentence);
  EXPECT_THAT(split("<2de> " + sentence + " " + sentence, options), ElementsAre(tagged, tagged));
  EXPECT_THAT(split("<2de> " + sentence, options), ElementsAre(tagged));
  // What is written without a space is read so.
  EXPECT_THAT(split("<2de>" + sentence, options), ElementsAre(encode("<2de>" + sentence)));
  // A symbol that no prefix names is no tag.
  EXPECT_THAT(split("<url> ran. " + sentence, options),
              ElementsAre(encode("<url> ran."), encode(sentence)));
  // A line of nothing else is text.
  EXPECT_THAT(split("<2de>", options), ElementsAre(encode("<2de>")));

  options.prefix = encode("<2de>");
  EXPECT_THAT(split(sentence + " " + sentence, options), ElementsAre(tagged, tagged));
  EXPECT_THAT(split("[news] " + sentence + " " + sentence, options),
              ElementsAre(encode("<2de> [news] " + sentence), encode("<2de> [news] " + sentence)));
  EXPECT_THAT(split("", options), SizeIs(0));
  options.split_sentences = SentenceSplitting::kNever;
  options.longest = 6;
  const auto cut = split(sentence, options);
  EXPECT_THAT(cut, SizeIs(testing::Gt(1)));
  for (const auto& segment : cut) {
    EXPECT_LE(segment.size(), 6);
    EXPECT_TRUE(std::equal(options.prefix.begin(), options.prefix.end(), segment.begin()));
  }
}

TEST_F(LineSplitterTest, CutsAfterChineseSentences) {
  const std::string first = "老人喜欢大海。猫坐下了。";
  const std::string second = "我在跑步。";
  // Plus one, because each sentence begins with SentencePiece's space.
  EXPECT_THAT(SplitText(first + second, Tokens(first) + 1), ElementsAre(first, second));
}

TEST_F(LineSplitterTest, CutsBetweenWordsWhereNoSentenceEnds) {
  const std::string text = "the cat the old man a bird my house the sea the dog";
  EXPECT_TRUE(Split(text, 7).was_cut);
  const auto segments = SplitText(text, 7);
  ASSERT_GT(segments.size(), 1U);
  std::string joined;
  for (const std::string& segment : segments) joined += (joined.empty() ? "" : " ") + segment;
  EXPECT_EQ(joined, text);
}

TEST_F(LineSplitterTest, CutsWordsThatAreTooLong) {
  const std::string word = "catdogbirdcatdogbirdcatdogbirdcatdogbird";
  const auto segments = Split(word, 5).segments;
  ASSERT_GT(segments.size(), 2U);
  for (size_t i = 0; i + 1 < segments.size(); ++i) EXPECT_THAT(segments[i], SizeIs(5));
}

TEST_F(LineSplitterTest, KeepsAShortLineWholeAndDropsABlankOne) {
  EXPECT_THAT(SplitText("The cat sat down. The dog ran away.", 100), SizeIs(1));
  EXPECT_FALSE(Split("the cat sat down.", 100).was_cut);
  EXPECT_TRUE(Split("", 5).segments.empty());
  EXPECT_TRUE(Split("   ", 5).segments.empty());
}

TEST_F(LineSplitterTest, SplitsSentencesForAModelTrainedOnSingleOnes) {
  const std::string text = "The cat sat down. The dog ran away! A bird.";
  const CorpusProfile single = {.pairs = 1000, .several_sentences = 49, .longest_source = 60};
  const CorpusProfile several = {.pairs = 1000, .several_sentences = 50, .longest_source = 60};
  const auto segments = [&](SentenceSplitting mode, std::optional<CorpusProfile> profile) {
    return SplitText(text, LineSplitter::Options{
                               .split_sentences = mode, .trained_on = profile, .longest = 100});
  };
  using enum SentenceSplitting;
  const auto one_by_one = ElementsAre("The cat sat down.", "The dog ran away!", "A bird.");
  EXPECT_THAT(segments(kAuto, single), one_by_one);
  EXPECT_THAT(segments(kAuto, several), SizeIs(1));
  EXPECT_THAT(segments(kAuto, std::nullopt), SizeIs(1));
  EXPECT_THAT(segments(kNever, single), SizeIs(1));
  EXPECT_THAT(segments(kAlways, several), one_by_one);
  EXPECT_THAT(segments(kAlways, std::nullopt), one_by_one);
}

TEST_F(LineSplitterTest, PrefersSegmentsNoLongerThanTrainingSentences) {
  const std::string first = "The cat sat down. The dog ran away!";
  const std::string second = "A bird saw the sea.";
  const CorpusProfile profile = {
      .pairs = 10, .several_sentences = 10, .longest_source = Tokens(first)};
  const LineSplitter::Options options = {.trained_on = profile, .longest = 1000};
  EXPECT_THAT(SplitText(first + " " + second, options), ElementsAre(first, second));
  EXPECT_FALSE(Split(first + " " + second, options).exceeds_training);
  // A single sentence that is longer stays whole, and the result says so.
  const std::string longer =
      "the dog and the cat and the bird and the sea and the old man sat down.";
  EXPECT_THAT(SplitText(longer + " " + second, options), SizeIs(2));
  EXPECT_TRUE(Split(longer + " " + second, options).exceeds_training);
  EXPECT_FALSE(Split(longer + " " + second, options).was_cut);
}

TEST_F(LineSplitterTest, ReportsUnknownCharacters) {
  tokenizer_ = PlainTokenizer();
  EXPECT_TRUE(Split("the 界 cat", 20).has_unknown);
  EXPECT_FALSE(Split("the cat", 20).has_unknown);
}

// SentencePiece would take minutes for five megabytes of characters without a piece.
TEST_F(LineSplitterTest, ALineOfMegabytesIsCutBeforeItIsTokenized) {
  tokenizer_ = PlainTokenizer();
  LineSplitter splitter(tokenizer_, {.longest = 7});
  std::string unknown;
  while (unknown.size() < 5'000'000) unknown += "界";
  ASSERT_EQ(Tokens("the 界界界 cat"), Tokens("the 界 cat")) << "each run is one token";
  EXPECT_GT(splitter.Split(unknown).segments.size(), 1U);
  EXPECT_TRUE(splitter.Split(std::string(5'000'000, ' ')).segments.empty());

  std::string text;
  for (int i = 0; i < 8'000; ++i) text += "The cat sat down. My house was very big! ";
  text.pop_back();
  const auto segments = LineSplitter(tokenizer_, {.longest = 50}).Split(text).segments;
  std::string joined;
  for (const auto& segment : segments) {
    EXPECT_LE(segment.size(), 50U);
    if (!joined.empty()) joined += ' ';
    joined += tokenizer_->Decode(segment);
  }
  EXPECT_EQ(joined, tokenizer_->Decode(tokenizer_->Encode(text)));
}

// Neither a cut between tokens nor one before tokenizing.
TEST_F(LineSplitterTest, ACutNeverDividesACharacter) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(static_cast<size_t>(shift), 'a');
    while (text.size() < 200'000) text += "🌊";
    std::string joined;
    for (const auto& segment :
         LineSplitter(ByteTokenizer(), {.longest = 100}).Split(text).segments) {
      joined += ByteTokenizer()->Decode(segment);
    }
    EXPECT_EQ(joined.find("\uFFFD"), std::string::npos) << shift;
  }
}

TEST(JoinSegments, PutsASpaceBetweenSegmentsInMostScripts) {
  EXPECT_EQ(JoinSegments({"Hello.", "How are you?"}), "Hello. How are you?");
  EXPECT_EQ(JoinSegments({"Привет.", "Как дела?"}), "Привет. Как дела?");
  EXPECT_EQ(JoinSegments({"déjà", "élan"}), "déjà élan");
}

TEST(JoinSegments, PutsNoSpaceNextToChineseOrJapanese) {
  EXPECT_EQ(JoinSegments({"你好。", "我喜欢猫。"}), "你好。我喜欢猫。");
  EXPECT_EQ(JoinSegments({"我喜欢", "猫"}), "我喜欢猫");
  EXPECT_EQ(JoinSegments({"はい、", "そうです。"}), "はい、そうです。");
  EXPECT_EQ(JoinSegments({"カタカナ", "ひらがな"}), "カタカナひらがな");
  EXPECT_EQ(JoinSegments({"真的吗？", "Hello"}), "真的吗？Hello");
}

TEST(JoinSegments, PutsASpaceBetweenKoreanWords) {
  EXPECT_EQ(JoinSegments({"안녕하세요.", "반갑습니다."}), "안녕하세요. 반갑습니다.");
}

TEST(JoinSegments, SkipsEmptySegments) {
  EXPECT_EQ(JoinSegments({}), "");
  EXPECT_EQ(JoinSegments({"", ""}), "");
  EXPECT_EQ(JoinSegments({"", "a", "", "b", ""}), "a b");
}

TEST(JoinSegments, AcceptsAnyBytes) {
  EXPECT_EQ(JoinSegments({"\xFF", "\xE4\xBD"}), "\xFF \xE4\xBD");
  EXPECT_EQ(JoinSegments({"a\x80\x80\x80\x80\x80", "b"}), "a\x80\x80\x80\x80\x80 b");
}

}  // namespace
}  // namespace wavemt
