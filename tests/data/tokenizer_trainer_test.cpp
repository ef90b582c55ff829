#include "data/tokenizer_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../support/thrown_error.h"
#include "data/tokenizer.h"
#include "synthetic_text.h"

namespace wavemt {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

TokenizerConfig WithSize(int64_t vocab_size, TokenizerType type = TokenizerType::kUnigram) {
  TokenizerConfig config;
  config.type = type;
  config.vocab_size = vocab_size;
  config.byte_fallback = false;
  return config;
}

std::shared_ptr<const Tokenizer> Train(const TokenizerConfig& config,
                                       const std::vector<std::string>& sentences) {
  return Tokenizer::FromBytes(TrainTokenizer(config, sentences), "trained");
}

std::string Refusal(const TokenizerConfig& config, const std::vector<std::string>& sentences) {
  return UsageErrorOf([&] { TrainTokenizer(config, sentences); });
}

// The number after `phrase` in a message; -1 if there is none.
int64_t NumberAfter(const std::string& message, const std::string& phrase) {
  const size_t found = message.find(phrase);
  return found == std::string::npos ? -1 : std::stoll(message.substr(found + phrase.size()));
}

TEST(TrainTokenizerTest, GivesTheSameBytesTwice) {
  const std::vector<std::string> sentences = SyntheticSentences(500);
  for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    const std::string bytes = TrainTokenizer(WithSize(80, type), sentences);
    EXPECT_EQ(TrainTokenizer(WithSize(80, type), sentences), bytes);
  }
}

TEST(TrainTokenizerTest, HasTheRequestedSizeAndTheSpecialIds) {
  for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    const auto tokenizer = Train(WithSize(75, type), SyntheticSentences(500));
    EXPECT_EQ(tokenizer->vocab_size(), 75);
    EXPECT_EQ(tokenizer->special().unk, 0);
    EXPECT_EQ(tokenizer->special().pad, 1);
    EXPECT_EQ(tokenizer->special().bos, 2);
    EXPECT_EQ(tokenizer->special().eos, 3);
  }
}

TEST(TrainTokenizerTest, TheTypeDecides) {
  const std::vector<std::string> sentences = SyntheticSentences(500);
  EXPECT_NE(TrainTokenizer(WithSize(80, TokenizerType::kUnigram), sentences),
            TrainTokenizer(WithSize(80, TokenizerType::kBpe), sentences));
}

TEST(TrainTokenizerTest, NormalizesAsAsked) {
  std::vector<std::string> sentences = SyntheticSentences(300);
  sentences.emplace_back("ka，lo！ １２");
  TokenizerConfig config = WithSize(80);
  config.character_coverage = 1.0;
  const auto round_trip = [&](Normalization normalization) {
    config.normalization = normalization;
    const auto tokenizer = Train(config, sentences);
    return tokenizer->Decode(tokenizer->Encode("ka，lo！ １２"));
  };
  EXPECT_EQ(round_trip(Normalization::kIdentity), "ka，lo！ １２");
  EXPECT_EQ(round_trip(Normalization::kNfkc), "ka,lo! 12");
  EXPECT_EQ(round_trip(Normalization::kNmtNfkc), "ka,lo! 12");
}

TEST(TrainTokenizerTest, CoverageOmitsRareCharacters) {
  std::vector<std::string> sentences = SyntheticSentences(2000);
  sentences.emplace_back("字");
  TokenizerConfig config = WithSize(60);
  const auto knows = [&](double coverage) {
    config.character_coverage = coverage;
    const auto tokenizer = Train(config, sentences);
    return tokenizer->Decode(tokenizer->Encode("字")) == "字";
  };
  EXPECT_TRUE(knows(1.0));
  EXPECT_FALSE(knows(0.999));
}

TEST(TrainTokenizerTest, NamesTheLargestVocabularyThatTheCorpusSupports) {
  const std::vector<std::string> sentences = SyntheticSentences(200);
  for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    const std::string message = Refusal(WithSize(5000, type), sentences);
    EXPECT_THAT(message,
                StartsWith("tokenizer.vocab_size: 5000 is more than this corpus supports; use at "
                           "most "));
    const int64_t maximum = NumberAfter(message, "at most ");
    ASSERT_GT(maximum, 0) << message;
    EXPECT_EQ(Train(WithSize(maximum, type), sentences)->vocab_size(), maximum);
    EXPECT_NE(Refusal(WithSize(maximum + 1, type), sentences), "no error");
  }
}

TEST(TrainTokenizerTest, NamesTheSmallestVocabularyForTheCharacters) {
  const std::vector<std::string> sentences = SyntheticSentences(200);
  for (const TokenizerType type : {TokenizerType::kUnigram, TokenizerType::kBpe}) {
    for (const bool byte_fallback : {false, true}) {
      TokenizerConfig config = WithSize(8, type);
      config.byte_fallback = byte_fallback;
      const std::string message = Refusal(config, sentences);
      EXPECT_THAT(message,
                  MatchesRegex("tokenizer.vocab_size: 8 is too small for this corpus's characters; "
                               "use at least [0-9]+, or a smaller tokenizer.character_coverage"));
      const int64_t minimum = NumberAfter(message, "at least ");
      config.vocab_size = minimum - 1;
      EXPECT_NE(Refusal(config, sentences), "no error");
      config.vocab_size = minimum;
      EXPECT_EQ(Refusal(config, sentences), "no error");
    }
  }
}

TEST(TrainTokenizerTest, RefusesAnEmptyCorpus) {
  EXPECT_THAT(Refusal(WithSize(80), {}), StartsWith("tokenizer"));
}

}  // namespace
}  // namespace wavemt
