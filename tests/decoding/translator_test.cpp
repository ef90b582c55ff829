#include "decoding/translator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "../support/captured_log.h"
#include "decoding/long_input.h"
#include "text_model.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class TranslatorTest : public testing::Test {
 protected:
  TranslatorTest() {
    options_.beam_size = 3;
    options_.max_output_length = 12;
  }

  static Translator Make(const Transformer& model, const std::shared_ptr<const Tokenizer>& side) {
    return {model, {.source = side, .target = side}, torch::kCPU};
  }

  static Translator MakeRandom(int64_t positions = 32) {
    return Make(RandomTextModel(*PlainTokenizer(), positions), PlainTokenizer());
  }

  // One that gives `order` whatever it reads.
  static Translator MakeConstant(const std::vector<int32_t>& order, int64_t positions = 32) {
    return Make(ConstantModel(*ByteTokenizer(), positions, order), ByteTokenizer());
  }

  static int32_t IdOf(const std::string& text) {
    for (int32_t id = 0; id < ByteTokenizer()->vocab_size(); ++id) {
      if (ByteTokenizer()->Decode({{id}}) == text) return id;
    }
    ADD_FAILURE() << "no piece for " << text;
    return 0;
  }

  std::vector<std::string> Best(Translator translator, const std::vector<std::string>& lines) {
    return translator.TranslateBest({.lines = lines, .first_line_number = 1, .progress = {}},
                                    options_);
  }

  DecodingConfig options_;
  const std::vector<std::string> lines_ = {
      "the cat sat down.",        "my house",       "why? was very big! the dog", "猫在跑步。", "a",
      "the old man saw the sea.", "老人喜欢大海。", "the bird ran away. a dog."};
};

TEST_F(TranslatorTest, KeepsTheOrderWhateverTheBatches) {
  std::vector<std::string> alone;
  for (const std::string& line : lines_) alone.push_back(Best(MakeRandom(), {line}).at(0));
  EXPECT_GT(std::set(alone.begin(), alone.end()).size(), 4U) << "too alike to tell apart";
  for (const int64_t batch_tokens : {1, 20, 45, 10'000}) {
    options_.batch_tokens = batch_tokens;
    EXPECT_EQ(Best(MakeRandom(), lines_), alone) << batch_tokens;
  }
  std::vector<std::string> backwards(lines_.rbegin(), lines_.rend());
  std::reverse(alone.begin(), alone.end());
  EXPECT_EQ(Best(MakeRandom(), backwards), alone);
}

TEST_F(TranslatorTest, ABlankLineGivesABlankLine) {
  const auto texts = Best(MakeRandom(), {"", "the cat", "   ", "the dog", ""});
  ASSERT_THAT(texts, SizeIs(5));
  EXPECT_EQ(texts[0], "");
  EXPECT_EQ(texts[2], "");
  EXPECT_EQ(texts[4], "");
  EXPECT_EQ(texts[1], Best(MakeRandom(), {"the cat"})[0]);
  EXPECT_EQ(texts[3], Best(MakeRandom(), {"the dog"})[0]);
  EXPECT_THAT(Best(MakeRandom(), {"", ""}), ElementsAre("", ""));
  EXPECT_THAT(Best(MakeRandom(), {}), SizeIs(0));
}

TEST_F(TranslatorTest, GivesTheNBestOfEachLineBestFirst) {
  options_.beam_size = 4;
  options_.n_best = 3;
  Translator translator = MakeRandom();
  const std::vector<std::string> lines = {lines_[0], "", lines_[1]};
  const auto all =
      translator.Translate({.lines = lines, .first_line_number = 1, .progress = {}}, options_);
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_THAT(all, Each(SizeIs(3)));
  for (const auto& translations : {all[0], all[2]}) {
    EXPECT_LT(translations[0].score, 0);
    EXPECT_GE(translations[0].score, translations[1].score);
    EXPECT_GE(translations[1].score, translations[2].score);
  }
  for (const Translation& blank : all[1]) {
    EXPECT_EQ(blank.text, "");
    EXPECT_EQ(blank.score, 0);
  }
  const auto best = Best(MakeRandom(), lines);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(best[i], all[i][0].text);
}

TEST_F(TranslatorTest, ALongLineIsTranslatedInPartsWithAWarningThatNamesIt) {
  constexpr int64_t kPositions = 16;
  const std::string first = "the cat sat down. my house.";
  const std::string second = "the dog ran away.";
  const std::string text = first + " " + second;
  ASSERT_LT(PlainTokenizer()->Encode(first).size(), static_cast<size_t>(kPositions));
  ASSERT_GE(PlainTokenizer()->Encode(text).size(), static_cast<size_t>(kPositions));
  const std::vector<std::string> lines = {"a bird", text, "the sea"};
  const CapturedLog log;
  const auto texts =
      MakeRandom(kPositions)
          .TranslateBest({.lines = lines, .first_line_number = 40, .progress = {}}, options_);
  EXPECT_THAT(log.text(), AllOf(HasSubstr("warning: line 41: "), HasSubstr("16 positions"),
                                Not(HasSubstr("line 40")), Not(HasSubstr("line 42"))));
  ASSERT_THAT(texts, SizeIs(3));
  const auto alone = Best(MakeRandom(kPositions), {"a bird", first, second, "the sea"});
  EXPECT_EQ(texts[0], alone[0]);
  EXPECT_EQ(texts[1], JoinParts({alone[1], alone[2]}));
  EXPECT_EQ(texts[2], alone[3]);
}

TEST_F(TranslatorTest, AVeryLongLineNeverCrashes) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "catdogbird";
  const CapturedLog log;
  for (const int64_t positions : {2, 3, 7}) {
    EXPECT_THAT(Best(MakeRandom(positions), {text, "a"}), SizeIs(2)) << positions;
  }
  EXPECT_THAT(log.text(), HasSubstr("line 1"));
}

TEST_F(TranslatorTest, TheLongestLineThatFitsIsLeftWhole) {
  const auto tokens = static_cast<int64_t>(PlainTokenizer()->Encode(lines_[0]).size());
  const CapturedLog log;
  Best(MakeRandom(tokens + 1), {lines_[0]});
  EXPECT_EQ(log.text(), "");
  Best(MakeRandom(tokens), {lines_[0]});
  EXPECT_THAT(log.text(), HasSubstr("line 1"));
}

TEST_F(TranslatorTest, OutputNeverHoldsALineBreak) {
  for (const std::string line_break : {"\n", "\r"}) {
    // The word, then the break, else the end: a beam finds mixtures of all three.
    Translator translator = MakeConstant({IdOf(line_break), IdOf("cat"), 3});
    options_.n_best = options_.beam_size;
    const std::vector<std::string> lines = {"the cat", "why"};
    const auto all =
        translator.Translate({.lines = lines, .first_line_number = 1, .progress = {}}, options_);
    size_t spaces = 0;
    for (const auto& translations : all) {
      for (const Translation& translation : translations) {
        EXPECT_EQ(translation.text.find_first_of("\r\n"), std::string::npos);
        spaces +=
            static_cast<size_t>(std::count(translation.text.begin(), translation.text.end(), ' '));
      }
    }
    EXPECT_GT(spaces, 0U) << "the model never tried";
  }
}

TEST_F(TranslatorTest, OutputIsNoLongerThanAsked) {
  const int32_t word = IdOf("cat");
  options_.beam_size = 1;
  const auto words = [&](int64_t most, int64_t positions, const std::string& line) {
    options_.max_output_length = most;
    const std::string text = Best(MakeConstant({word}, positions), {line})[0];
    return std::count(text.begin(), text.end(), 'c');
  };
  EXPECT_EQ(words(7, 100, "the cat sat down"), 7);
  EXPECT_EQ(words(1, 100, "the cat sat down"), 1);
  EXPECT_EQ(words(1000, 20, "the cat sat down"), 19);  // One position is for <s>.
  EXPECT_EQ(words(std::numeric_limits<int64_t>::max(), 20, "the cat sat down"), 19);
}

TEST_F(TranslatorTest, AModelThatEndsAtOnceGivesABlankLine) {
  const int32_t end = ByteTokenizer()->special().eos;
  EXPECT_THAT(Best(MakeConstant({end}), {"the cat", "why"}), ElementsAre("", ""));
}

TEST_F(TranslatorTest, LeavesTheModelInTheModeThatItFound) {
  Transformer model = RandomTextModel(*PlainTokenizer(), 32);
  for (const bool training : {true, false}) {
    model->train(training);
    Best(Make(model, PlainTokenizer()), {"the cat"});
    EXPECT_EQ(model->is_training(), training);
  }
}

TEST_F(TranslatorTest, TellsOfItsProgress) {
  options_.batch_tokens = 1;
  std::vector<int64_t> done;
  MakeRandom().TranslateBest({.lines = lines_,
                              .first_line_number = 1,
                              .progress = [&](int64_t lines) { done.push_back(lines); }},
                             options_);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  ASSERT_FALSE(done.empty());
  EXPECT_EQ(done.back(), static_cast<int64_t>(lines_.size()));
}

}  // namespace
}  // namespace wavemt
