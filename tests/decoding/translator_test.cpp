#include "decoding/translator.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "../training/failing_allocator.h"
#include "decoding/line_splitter.h"
#include "support/error.h"
#include "text_model.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class TranslatorTest : public testing::Test {
 protected:
  TranslatorTest() {
    options_.beam_size = 3;
    options_.max_output_length = 12;
  }

  static Translator Make(const Transformer& model, const std::shared_ptr<const Tokenizer>& side) {
    TranslationModel translated;
    translated.transformers = {model};
    translated.tokenizers = {.source = side, .target = side};
    return Translator(std::move(translated));
  }

  static Translator MakeRandom(int64_t positions = 32) {
    return Make(RandomTextModel(*PlainTokenizer(), positions), PlainTokenizer());
  }

  // A translator whose output is always `order`.
  static Translator MakeConstant(const std::vector<int32_t>& order, int64_t positions = 32) {
    return Make(ConstantModel(*ByteTokenizer(), positions, order), ByteTokenizer());
  }

  // A translator that always finds better words than </s>.
  static Translator MakeEndless() {
    std::vector<int32_t> words = {IdOf("cat")};
    for (int32_t id = ByteTokenizer()->vocab_size() - 1; words.size() < 10; --id) {
      words.push_back(id);
    }
    return MakeConstant(words);
  }

  // All tokens that spell `text` on their own: as a piece, as a byte, as the beginning of a word.
  static std::vector<int32_t> IdsOf(const std::string& text) {
    std::vector<int32_t> ids;
    for (int32_t id = 0; id < ByteTokenizer()->vocab_size(); ++id) {
      if (ByteTokenizer()->Decode({{id}}) == text) ids.push_back(id);
    }
    return ids;
  }

  static int32_t IdOf(const std::string& text) {
    const std::vector<int32_t> ids = IdsOf(text);
    EXPECT_FALSE(ids.empty()) << "no piece for " << text;
    return ids.empty() ? 0 : ids.front();
  }

  std::vector<std::string> Best(const Translator& translator,
                                const std::vector<std::string>& lines) {
    return translator.TranslateBest({.lines = lines, .first_line_number = 1, .progress = {}},
                                    options_);
  }

  std::vector<TranslatedLine> TranslateAll(const Translator& translator,
                                           const std::vector<std::string>& lines) {
    return translator.Translate({.lines = lines, .first_line_number = 1, .progress = {}}, options_);
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
  const std::vector<std::string> lines = {lines_[0], "", lines_[1]};
  const auto all = TranslateAll(MakeRandom(), lines);
  ASSERT_THAT(all, SizeIs(3));
  for (const auto& line : {all[0], all[2]}) {
    ASSERT_THAT(line.best, SizeIs(3));
    EXPECT_LT(line.best[0].score, 0);
    EXPECT_GE(line.best[0].score, line.best[1].score);
    EXPECT_GE(line.best[1].score, line.best[2].score);
  }
  ASSERT_THAT(all[1].best, SizeIs(1));
  EXPECT_EQ(all[1].best[0].text, "");
  EXPECT_EQ(all[1].best[0].score, 0);
  const auto best = Best(MakeRandom(), lines);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(best[i], all[i].best[0].text);
}

// A piece and the bytes that spell it are different tokens with the same text.
TEST_F(TranslatorTest, AnNBestListHasNoDuplicates) {
  const int32_t end = ByteTokenizer()->special().eos;
  options_.beam_size = 5;
  options_.n_best = 5;
  options_.max_output_length = 2;
  const std::vector<int32_t> same = IdsOf("a");
  ASSERT_GE(same.size(), 2U);
  const auto all =
      TranslateAll(MakeConstant({same.front(), same.back(), end}), {"the cat", "why? The dog."});
  for (const TranslatedLine& line : all) {
    std::set<std::string> texts;
    for (const Translation& translation : line.best) texts.insert(translation.text);
    EXPECT_EQ(texts.size(), line.best.size());
    EXPECT_GT(line.best.size(), 1U);
    EXPECT_LE(line.best.size(), 5U);
  }
}

TEST_F(TranslatorTest, ALineInSegmentsGetsTheBestOfAllCombinations) {
  options_.beam_size = 3;
  options_.n_best = 3;
  options_.split_sentences = SentenceSplitting::kAlways;
  const std::string first = "the cat sat down.";
  const std::string second = "The dog ran away.";
  const auto all = TranslateAll(MakeRandom(), {first, second, first + " " + second});
  std::vector<std::pair<double, std::string>> expected;
  for (const Translation& a : all[0].best) {
    for (const Translation& b : all[1].best) {
      expected.emplace_back(-(a.score + b.score), JoinSegments({a.text, b.text}));
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_THAT(all[2].best, SizeIs(3));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(all[2].best[i].score, -expected[i].first, 1e-9);
    EXPECT_EQ(all[2].best[i].text, expected[i].second);
  }
}

TEST_F(TranslatorTest, OneSearchAnswersForEveryLengthPenalty) {
  options_.split_sentences = SentenceSplitting::kAlways;
  std::vector<std::string> lines = lines_;
  lines.push_back("");
  lines.push_back("the cat sat down. The dog ran away. My house!");
  const std::vector<double> penalties = {-2, 0, 0.5, 1, 3, 10};
  const Translator translator = MakeRandom();
  std::set<std::vector<std::string>> different;
  for (const int64_t beam_size : {1, 2, 4}) {
    options_.beam_size = beam_size;
    for (const double coverage_penalty : {0.0, 0.3}) {
      options_.coverage_penalty = coverage_penalty;
      options_.length_penalty = 1;
      const auto all = translator.Translate(
          {.lines = lines, .progress = {}, .length_penalties = penalties}, options_);
      ASSERT_THAT(all, SizeIs(lines.size()));
      for (size_t p = 0; p < penalties.size(); ++p) {
        options_.length_penalty = penalties[p];
        std::vector<std::string> texts;
        for (const TranslatedLine& line : all) {
          ASSERT_THAT(line.best, SizeIs(penalties.size()));
          texts.push_back(line.best[p].text);
        }
        EXPECT_EQ(texts, Best(translator, lines)) << beam_size << " " << penalties[p];
        different.insert(texts);
      }
    }
  }
  EXPECT_GT(different.size(), 2U) << "too alike to tell apart";
}

TEST_F(TranslatorTest, ALongLineIsTranslatedInSegments) {
  constexpr int64_t kPositions = 16;
  const std::string first = "the cat sat down. My house.";
  const std::string second = "The dog ran away.";
  const std::string text = first + " " + second;
  ASSERT_LT(PlainTokenizer()->Encode(first).size(), static_cast<size_t>(kPositions));
  ASSERT_GE(PlainTokenizer()->Encode(text).size(), static_cast<size_t>(kPositions));
  const auto lines = TranslateAll(MakeRandom(kPositions), {"a bird", text, "the sea"});
  const auto alone = Best(MakeRandom(kPositions), {"a bird", first, second, "the sea"});
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].best[0].text, alone[0]);
  EXPECT_EQ(lines[1].best[0].text, JoinSegments({alone[1], alone[2]}));
  EXPECT_EQ(lines[2].best[0].text, alone[3]);
  for (const TranslatedLine& line : lines) EXPECT_FALSE(line.was_cut);
}

TEST_F(TranslatorTest, AVeryLongLineNeverCrashes) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "catdogbird";
  for (const int64_t positions : {2, 3, 7}) {
    const auto lines = TranslateAll(MakeRandom(positions), {text, "a"});
    ASSERT_THAT(lines, SizeIs(2)) << positions;
    EXPECT_TRUE(lines[0].was_cut);
  }
}

TEST_F(TranslatorTest, TheLongestLineThatFitsIsLeftWhole) {
  const auto tokens = static_cast<int64_t>(PlainTokenizer()->Encode(lines_[0]).size());
  EXPECT_FALSE(TranslateAll(MakeRandom(tokens + 1), {lines_[0]})[0].was_cut);
  EXPECT_TRUE(TranslateAll(MakeRandom(tokens), {lines_[0]})[0].was_cut);
}

TEST_F(TranslatorTest, NotesATranslationThatWasCut) {
  const int32_t end = ByteTokenizer()->special().eos;
  for (const int64_t beam_size : {1, 3}) {
    options_.beam_size = beam_size;
    options_.n_best = 1;
    for (const TranslatedLine& line : TranslateAll(MakeEndless(), {"the cat", "why"})) {
      EXPECT_TRUE(line.output_was_cut);
    }
    for (const TranslatedLine& line : TranslateAll(MakeConstant({end}), {"the cat", "", "why"})) {
      EXPECT_FALSE(line.output_was_cut);
    }
  }
}

TEST_F(TranslatorTest, StopsInsideASearch) {
  int questions = 0;
  const auto translate = [&](int stop_at) {
    questions = 0;
    return MakeEndless().Translate(
        {.lines = lines_,
         .first_line_number = 1,
         .progress = {},
         .stop_requested = [&, stop_at] { return ++questions == stop_at; }},
        options_);
  };
  EXPECT_THAT(translate(0), SizeIs(lines_.size()));
  EXPECT_GT(questions, 10) << "asked once a batch only";
  EXPECT_THROW(translate(5), SearchStopped);
  EXPECT_EQ(questions, 5);
}

TEST_F(TranslatorTest, OutputNeverHoldsALineBreak) {
  for (const std::string line_break : {"\n", "\r"}) {
    // The word, then a line break, otherwise the end: a beam finds all mixtures of these.
    Translator translator = MakeConstant({IdOf(line_break), IdOf("cat"), 3});
    options_.n_best = options_.beam_size;
    const std::vector<std::string> lines = {"the cat", "why"};
    size_t spaces = 0;
    for (const TranslatedLine& line : TranslateAll(translator, lines)) {
      for (const Translation& translation : line.best) {
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
  const auto words = [&](int64_t max_length, int64_t positions, const std::string& line) {
    options_.max_output_length = max_length;
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

TEST_F(TranslatorTest, AnErrorLeavesTheModelAsItWas) {
  const Transformer model = RandomTextModel(*PlainTokenizer(), 32);
  const Translator translator = Make(model, PlainTokenizer());
  const std::vector<std::string> before = Best(translator, lines_);
  for (const bool training : {true, false}) {
    Transformer(model)->train(training);
    EXPECT_THROW(translator.TranslateBest({.lines = lines_,
                                           .first_line_number = 1,
                                           .progress = {},
                                           .stop_requested = [] { return true; }},
                                          options_),
                 SearchStopped);
    EXPECT_EQ(model->is_training(), training);
  }
  EXPECT_EQ(Best(translator, lines_), before);
}

TEST_F(TranslatorTest, ABatchThatDoesNotFitTheMemoryIsTranslatedInHalves) {
  const Translator translator = MakeRandom();
  const std::vector<std::string> expected = Best(translator, lines_);
  for (const int64_t fails_at : {1, 10, 100, 300}) {
    FailingAllocator allocator;
    allocator.FailAt(fails_at);
    EXPECT_EQ(Best(translator, lines_), expected) << fails_at;
    EXPECT_TRUE(allocator.failed()) << fails_at;
  }
  FailingAllocator allocator;
  allocator.FailFrom(1);
  EXPECT_THAT(
      [&] {
        Best(translator, {"", "the cat"});
      },
      ThrowsMessage<Error>(
          AllOf(HasSubstr("line 2: its "), HasSubstr(" tokens do not fit in memory; "))));
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

// Several threads, which translate with packed weights.
class ThreadsTest : public TranslatorTest {
 protected:
  ThreadsTest() {
    model_ = RandomTextModel(*PlainTokenizer(), 32);
    model_->to(torch::kFloat);
    for (int i = 0; i < 5; ++i) {
      many_lines_.insert(many_lines_.end(), lines_.begin(), lines_.end());
    }
    options_.batch_tokens = 30;
    at::set_num_threads(4);
  }
  ~ThreadsTest() override { at::set_num_threads(before_); }

  Translator MakeFloat(bool is_final = true) const {
    TranslationModel translated;
    translated.transformers = {model_};
    translated.tokenizers = {.source = PlainTokenizer(), .target = PlainTokenizer()};
    translated.is_final = is_final;
    return Translator(std::move(translated));
  }

  int before_ = at::get_num_threads();
  Transformer model_{nullptr};
  std::vector<std::string> many_lines_;
};

TEST_F(ThreadsTest, EveryLineGetsItsTranslation) {
  const auto found = Best(MakeFloat(), many_lines_);
  const auto alone = Best(MakeFloat(), lines_);
  ASSERT_THAT(found, SizeIs(many_lines_.size()));
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], alone[i % lines_.size()]);
}

TEST_F(ThreadsTest, WeightsMayChangeUnlessTheModelIsFinal) {
  const Translator changing = MakeFloat(/*is_final=*/false);
  const Translator final_model = MakeFloat(/*is_final=*/true);
  const auto before = Best(changing, lines_);
  EXPECT_EQ(Best(final_model, lines_), before);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model_->decoder->parameters()) parameter.mul_(-1);
  EXPECT_NE(Best(changing, lines_), before);
}

TEST_F(ThreadsTest, AStopEndsAllThreads) {
  int questions = 0;
  EXPECT_THROW(MakeFloat().Translate({.lines = many_lines_,
                                      .first_line_number = 1,
                                      .progress = {},
                                      .stop_requested = [&] { return ++questions > 20; }},
                                     options_),
               SearchStopped);
  EXPECT_EQ(at::get_num_threads(), 4);
}

TEST_F(ThreadsTest, AnErrorReachesTheCaller) {
  const Translator translator = MakeFloat();
  EXPECT_THROW(
      translator.Translate({.lines = many_lines_,
                            .first_line_number = 1,
                            .progress = [](int64_t) { throw Failure("the disk is full"); }},
                           options_),
      Error);
  EXPECT_THAT(Best(translator, lines_), SizeIs(lines_.size()));
}

// The modules translate instead.
TEST_F(ThreadsTest, ThereNeedBeNoRoomForASecondCopyOfTheWeights) {
  const Translator translator = MakeFloat(/*is_final=*/false);
  const auto expected = Best(translator, lines_);
  FailingAllocator allocator;
  allocator.FailAt(1);
  EXPECT_EQ(Best(translator, lines_), expected);
  EXPECT_TRUE(allocator.failed());
}

TEST_F(ThreadsTest, AShortlistLeavesNothingElse) {
  MemoryCorpus corpus;
  for (const std::string& line : lines_) {
    corpus.Add(PlainTokenizer()->Encode(line), PlainTokenizer()->Encode("my house"));
  }
  const TokenizerPair tokenizers = {.source = PlainTokenizer(), .target = PlainTokenizer()};
  TranslationModel translated;
  translated.transformers = {model_};
  translated.tokenizers = tokenizers;
  translated.shortlist = std::make_shared<Shortlist>(
      Shortlist::Learn(corpus, tokenizers, {.per_token = 1, .frequent = 0}, {}));
  translated.is_final = true;
  const Translator translator(std::move(translated));
  std::set<int32_t> allowed;
  for (const std::string& text : {lines_[0], std::string("my house")}) {
    for (const int32_t token : PlainTokenizer()->Encode(text)) allowed.insert(token);
  }
  for (const int32_t token : PlainTokenizer()->Encode(Best(translator, {lines_[0]})[0])) {
    EXPECT_TRUE(allowed.contains(token)) << PlainTokenizer()->PieceOf(token);
  }
}

}  // namespace
}  // namespace wavemt
