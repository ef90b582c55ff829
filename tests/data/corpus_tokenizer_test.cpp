#include "data/corpus_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../support/temporary_folder.h"
#include "../support/thrown_error.h"
#include "data/tags.h"
#include "data/tokenized_corpus.h"
#include "synthetic_text.h"

namespace wavemt {
namespace {

using testing::ElementsAreArray;

std::string AsText(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

struct TokenizedText {
  MemoryCorpus corpus;
  CorpusCounts counts;
};

class TokenizeCorpusTest : public testing::Test {
 protected:
  TokenizedText Tokenize(const std::string& source, const std::string& target,
                         const TokenizeOptions& options) const {
    TokenizedText text;
    text.counts = TokenizeCorpus(
        With(source, target), {.source = tokenizer_, .target = tokenizer_}, options,
        [&](const TokenizedPair& pair) { text.corpus.Add(pair.source, pair.target, pair.weight); });
    return text;
  }

  // The corpus that a test describes, with this text.
  TrainingCorpus With(const std::string& source, const std::string& target) const {
    TrainingCorpus corpus = corpus_;
    corpus.files.source = {folder_.Write("a.en", source)};
    corpus.files.target = {folder_.Write("a.zh", target)};
    return corpus;
  }

  TemporaryFolder folder_;
  TrainingCorpus corpus_;
  std::shared_ptr<const Tokenizer> tokenizer_ = SyntheticTokenizer();
};

TEST(CorpusCountsTest, SummaryOmitsZeroCounts) {
  EXPECT_EQ((CorpusCounts{.read = 1234, .empty = 0, .too_long = 0, .filtered = {}}).Summary(100),
            "1,234 pairs: 1,234 used");
  EXPECT_EQ(
      (CorpusCounts{.read = 29000, .empty = 3, .too_long = 1007, .filtered = {}}).Summary(100),
      "29,000 pairs: 27,990 used, 3 skipped with a blank side, 1,007 skipped over 100 tokens");
}

TEST_F(TokenizeCorpusTest, GivesTheTokenizersIdsInFileOrder) {
  const std::vector<std::string> source = SyntheticSentences(200, 5);
  const std::vector<std::string> target = SyntheticSentences(200, 6);
  const TokenizedText text =
      Tokenize(AsText(source), AsText(target), {.max_length = 1000, .num_threads = 2, .name = ""});
  ASSERT_EQ(text.corpus.size(), 200);
  for (size_t i = 0; i < source.size(); ++i) {
    const auto pair = static_cast<int64_t>(i);
    ASSERT_THAT(text.corpus.source(pair), ElementsAreArray(tokenizer_->Encode(source[i])));
    ASSERT_THAT(text.corpus.target(pair), ElementsAreArray(tokenizer_->Encode(target[i])));
  }
}

TEST_F(TokenizeCorpusTest, SkipsAndCountsBlankSidesAndLongOnes) {
  const auto length = static_cast<int64_t>(tokenizer_->Encode("kalo mi").size());
  ASSERT_GT(length, 1);
  const std::string source = "kalo mi\n\n  \nkalo mi\nkalo mi kalo mi\nkalo mi\n";
  const std::string target = "kalo mi\nka\nka\n\nkalo mi\nkalo mi kalo mi\n";
  const TokenizedText text =
      Tokenize(source, target, {.max_length = length, .num_threads = 1, .name = "data.train"});
  EXPECT_EQ(text.counts.read, 6);
  EXPECT_EQ(text.counts.empty, 3);
  EXPECT_EQ(text.counts.too_long, 2);
  EXPECT_EQ(text.counts.kept(), 1);
  EXPECT_EQ(text.corpus.size(), 1);
}

TEST_F(TokenizeCorpusTest, CountsLinesOfSeveralSentences) {
  const CorpusCounts counts =
      Tokenize("Ka mi. Su lo.\nKa mi.\n\nSu lo! Ka? Mi.\nka 3.14 mi\n", "ka\nka\nka\nka\nka\n",
               {.max_length = 100, .num_threads = 2, .name = ""})
          .counts;
  EXPECT_EQ(counts.read, 5);
  EXPECT_EQ(counts.empty, 1);
  EXPECT_EQ(counts.several_sentences, 2);
}

// More pairs than are encoded at once, and not a multiple of a chunk.
TEST_F(TokenizeCorpusTest, TheNumberOfThreadsChangesNothing) {
  std::string source;
  for (const std::string& line : SyntheticSentences(20'011, 7)) source += line.substr(0, 9) + "\n";
  const TokenizedText one =
      Tokenize(source, source, {.max_length = 4, .num_threads = 1, .name = ""});
  EXPECT_EQ(one.counts.read, 20'011);
  EXPECT_GT(one.counts.too_long, 100);
  for (const int num_threads : {0, 3, 50}) {
    const TokenizedText many =
        Tokenize(source, source, {.max_length = 4, .num_threads = num_threads, .name = ""});
    ASSERT_EQ(many.corpus.size(), one.corpus.size());
    EXPECT_EQ(many.counts.too_long, one.counts.too_long);
    for (int64_t i = 0; i < one.corpus.size(); ++i) {
      ASSERT_THAT(many.corpus.source(i), ElementsAreArray(one.corpus.source(i)));
    }
  }
}

TEST_F(TokenizeCorpusTest, PutsThePrefixBeforeEachSource) {
  const TokenizeOptions options = {.max_length = 100, .num_threads = 1, .name = ""};
  const TokenizedText plain = Tokenize("kalo mi\nsu\n", "ka\nlo\n", options);
  corpus_.source_prefix = "ne ta";
  const std::vector<int32_t> prefix = EncodePrefix(*tokenizer_, corpus_.source_prefix);
  const TokenizedText tagged = Tokenize("kalo mi\nsu\n", "ka\nlo\n", options);
  ASSERT_EQ(tagged.corpus.size(), 2);
  for (int64_t pair = 0; pair < 2; ++pair) {
    std::vector<int32_t> expected = prefix;
    for (const int32_t id : plain.corpus.source(pair)) expected.push_back(id);
    EXPECT_EQ(tagged.corpus.source(pair), expected);
    EXPECT_EQ(tagged.corpus.target(pair), plain.corpus.target(pair));
  }
  // It counts for the longest sentence, too.
  const auto kept_up_to = [&](int64_t longest) {
    const TokenizeOptions limit = {.max_length = longest, .num_threads = 1, .name = ""};
    return Tokenize("kalo mi\nkalo mi\n", "ka\nlo\n", limit).counts.kept();
  };
  const auto length = static_cast<int64_t>(tagged.corpus.source(0).size());
  EXPECT_EQ(kept_up_to(length), 2);
  EXPECT_THROW(kept_up_to(length - 1), Error);
}

TEST_F(TokenizeCorpusTest, LeavesOutWhatTheFilterRemoves) {
  corpus_.filter.remove_copies = true;
  corpus_.filter.remove_duplicates = true;
  corpus_.filter.max_words = 3;
  // A chunk holds 2,000 pairs: duplicates are found across chunks.
  std::string source = "ka\nKA mi\nlo mi su ne\n\n";
  std::string target = "lo\nka mi\nka\nka\n";
  for (int i = 0; i < 3000; ++i) {
    source += "ka\n";
    target += i % 2 == 0 ? "lo\n" : "mi\n";
  }
  const TokenizedText text =
      Tokenize(source, target, {.max_length = 100, .num_threads = 3, .name = ""});
  EXPECT_EQ(text.counts.Summary(100),
            "3,004 pairs: 2 used, 1 skipped with a blank side, 1 filtered as too_long, 1 filtered "
            "as copy, 2,999 filtered as duplicate");
  EXPECT_EQ(text.corpus.size(), 2);
  EXPECT_EQ(text.counts.kept(), 2);
}

TEST_F(TokenizeCorpusTest, CarriesWeightsAndSkipsPairsOfWeightZero) {
  corpus_.weights = {folder_.Write("weights", "2\n0\n0.5\n")};
  const TokenizedText text =
      Tokenize("ka\nlo\nmi\n", "ka\nlo\nmi\n", {.max_length = 100, .num_threads = 1, .name = ""});
  EXPECT_EQ(text.counts.Summary(100), "3 pairs: 2 used, 1 skipped of weight 0");
  EXPECT_TRUE(text.corpus.has_weights());
  EXPECT_EQ(text.corpus.weight(0), 2.0F);
  EXPECT_EQ(text.corpus.weight(1), 0.5F);
}

TEST_F(TokenizeCorpusTest, SaysWhyNoPairIsLeft) {
  const TokenizeOptions options = {.max_length = 1, .num_threads = 2, .name = "data.train"};
  EXPECT_EQ(UsageErrorOf([&] { Tokenize("", "", options); }),
            "data.train: no usable sentence pair: the files are empty");
  EXPECT_EQ(UsageErrorOf([&] { Tokenize("\nkalo mi su\n", "ka\nka\n", options); }),
            "data.train: no usable sentence pair: 2 pairs: 0 used, 1 skipped with a blank side, 1 "
            "skipped over 1 tokens");
}

}  // namespace
}  // namespace wavemt
