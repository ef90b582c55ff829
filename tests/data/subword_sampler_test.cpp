#include "data/subword_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "../support/thrown_error.h"
#include "data/batcher.h"
#include "data/corpus_mixture.h"
#include "data/tokenizer_trainer.h"
#include "same_batch.h"
#include "sentencepiece_model_with.h"
#include "synthetic_text.h"

namespace wavemt {
namespace {

using testing::HasSubstr;
using Pace = SubwordSampler::Pace;

constexpr int64_t kPairs = 300;

TokenizerConfig ConfigOf(TokenizerType type) {
  TokenizerConfig config;
  config.type = type;
  config.vocab_size = 90;
  config.byte_fallback = false;
  config.user_defined_symbols = {"<2de>"};
  return config;
}

TokenizerPair TokenizersOf(TokenizerType type) {
  const auto tokenizer =
      Tokenizer::FromBytes(TrainTokenizer(ConfigOf(type), SyntheticSentences(300)), "synthetic");
  return {.source = tokenizer, .target = tokenizer};
}

MemoryCorpus CorpusOf(const TokenizerPair& tokenizers, const std::vector<std::string>& sources) {
  const std::vector<std::string> targets = SyntheticSentences(sources.size(), 7);
  MemoryCorpus corpus;
  for (size_t i = 0; i < sources.size(); ++i) {
    corpus.Add({.source = tokenizers.source->Encode(sources[i]),
                .target = tokenizers.target->Encode(targets[i]),
                .weight = 1.0F + static_cast<float>(i % 3),
                .source_text = sources[i],
                .target_text = targets[i]});
  }
  return corpus;
}

std::vector<uint32_t> AllPairsOf(const TokenizedCorpus& corpus) {
  std::vector<uint32_t> pairs(static_cast<size_t>(corpus.size()));
  std::iota(pairs.begin(), pairs.end(), 0U);
  return pairs;
}

class SubwordSamplerTest : public testing::TestWithParam<TokenizerType> {
 protected:
  SubwordSampler Sampler(int64_t max_length = 1000, int num_threads = 2) const {
    return {tokenizers_,
            {.sampling = {.alpha = alpha_}, .max_length = max_length, .num_threads = num_threads}};
  }

  // With either, most sentences are segmented differently.
  double alpha_ = GetParam() == TokenizerType::kBpe ? 0.3 : 0.02;
  TokenizerPair tokenizers_ = TokenizersOf(GetParam());
  MemoryCorpus corpus_ = CorpusOf(tokenizers_, SyntheticSentences(kPairs, 3));
};

TEST_P(SubwordSamplerTest, OtherPiecesSpellTheSameText) {
  const MemoryCorpus sampled = Sampler().Sample(corpus_, AllPairsOf(corpus_), 1, Pace::kNow);
  ASSERT_EQ(sampled.size(), kPairs);
  int64_t others = 0;
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    EXPECT_EQ(tokenizers_.source->Decode(sampled.source(pair)), corpus_.text(pair).source);
    EXPECT_EQ(tokenizers_.target->Decode(sampled.target(pair)), corpus_.text(pair).target);
    EXPECT_EQ(sampled.weight(pair), corpus_.weight(pair));
    others += sampled.source(pair) != corpus_.source(pair) ? 1 : 0;
  }
  EXPECT_GT(others, kPairs / 2);
}

TEST_P(SubwordSamplerTest, TheSeedAndThePlaceDetermineWhatIsDrawn) {
  const std::vector<uint32_t> all = AllPairsOf(corpus_);
  const MemoryCorpus sampled = Sampler().Sample(corpus_, all, 1, Pace::kNow);
  const auto checksum = sampled.checksum();
  EXPECT_EQ(Sampler(1000, 1).Sample(corpus_, all, 1, Pace::kNow).checksum(), checksum);
  EXPECT_EQ(Sampler(1000, 5).Sample(corpus_, all, 1, Pace::kNow).checksum(), checksum);
  EXPECT_EQ(Sampler().Sample(corpus_, all, 1, Pace::kInBackground).checksum(), checksum);
  EXPECT_NE(Sampler().Sample(corpus_, all, 2, Pace::kNow).checksum(), checksum);
  alpha_ /= 2;
  EXPECT_NE(Sampler().Sample(corpus_, all, 1, Pace::kNow).checksum(), checksum);
  alpha_ *= 2;
  // Other pairs before it change nothing about a pair.
  std::vector<uint32_t> changed = all;
  std::fill(changed.begin(), changed.begin() + 100, 5U);
  const MemoryCorpus other = Sampler().Sample(corpus_, changed, 1, Pace::kNow);
  EXPECT_EQ(other.source(200), sampled.source(200));
  EXPECT_EQ(other.target(200), sampled.target(200));
  // A pair that a pass takes several times is drawn anew each time.
  std::set<std::vector<int32_t>> drawn;
  for (int64_t place = 0; place < 100; ++place) drawn.insert(other.target(place));
  EXPECT_GT(drawn.size(), 1);
}

TEST_P(SubwordSamplerTest, StopsInTheBackgroundWhenItIsAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  const auto sampled =
      Sampler().Sample(corpus_, AllPairsOf(corpus_), 1, Pace::kInBackground, stop.get_token());
  EXPECT_EQ(sampled.size(), 0);
}

TEST_P(SubwordSamplerTest, KeepsTheBestPiecesWhereTheDrawnOnesAreTooMany) {
  int64_t longest = 0;
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    longest = std::max({longest, corpus_.lengths(pair).source, corpus_.lengths(pair).target});
  }
  const MemoryCorpus sampled = Sampler(longest).Sample(corpus_, AllPairsOf(corpus_), 1, Pace::kNow);
  const MemoryCorpus free = Sampler().Sample(corpus_, AllPairsOf(corpus_), 1, Pace::kNow);
  int64_t kept = 0;
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    EXPECT_LE(sampled.lengths(pair).source, longest);
    const bool fits = free.lengths(pair).source <= longest;
    EXPECT_EQ(sampled.source(pair), fits ? free.source(pair) : corpus_.source(pair));
    kept += fits ? 0 : 1;
  }
  EXPECT_GT(kept, 0);
}

TEST_P(SubwordSamplerTest, LeavesTagsAndSymbolsWhole) {
  std::vector<std::string> sources = SyntheticSentences(100, 5);
  for (std::string& source : sources) source += " <2de> kalo";
  MemoryCorpus text = CorpusOf(tokenizers_, sources);
  const std::vector<int32_t> tag = tokenizers_.source->Encode("<2de>");
  auto tagged = std::make_unique<MemoryCorpus>();
  for (int64_t pair = 0; pair < text.size(); ++pair) {
    std::vector<int32_t> source = tag;
    const std::vector<int32_t> rest = text.source(pair);
    source.insert(source.end(), rest.begin(), rest.end());
    const PairText words = text.text(pair);
    tagged->Add({.source = source,
                 .target = text.target(pair),
                 .source_text = words.source,
                 .target_text = words.target});
  }
  std::vector<CorpusMixture::Part> parts;
  parts.push_back(
      {.name = "", .corpus = std::move(tagged), .num_tags = static_cast<int64_t>(tag.size())});
  const CorpusMixture mixture(std::move(parts), /*temperature=*/1.0);
  ASSERT_TRUE(mixture.has_text());
  const MemoryCorpus sampled = Sampler().Sample(mixture, AllPairsOf(mixture), 1, Pace::kNow);
  const int32_t symbol = *tokenizers_.source->FindPiece("<2de>");
  for (int64_t pair = 0; pair < sampled.size(); ++pair) {
    const std::vector<int32_t> source = sampled.source(pair);
    EXPECT_TRUE(std::equal(tag.begin(), tag.end(), source.begin()));
    EXPECT_EQ(std::ranges::count(source, symbol), 2);
  }
}

// A training may end while the next pass is being prepared.
TEST_P(SubwordSamplerTest, ABatcherMayGoAtAnyTime) {
  const MemoryCorpus large = CorpusOf(tokenizers_, SyntheticSentences(20'000, 3));
  const Batcher::Options options = {.batch_tokens = 200,
                                    .seed = 3,
                                    .source_special = tokenizers_.source->special(),
                                    .target_special = tokenizers_.target->special(),
                                    .sampler = std::make_shared<const SubwordSampler>(Sampler())};
  Batcher batcher(large, options);
  EXPECT_GT(batcher.Next().rows, 0);
}

// What a training sees: the batches of a pass hold its sampled text and keep the budget, each pass
// is another one, and a position leads to the same batches again.
TEST_P(SubwordSamplerTest, EachPassOfABatcherIsCutAnew) {
  const Batcher::Options options = {.batch_tokens = 200,
                                    .seed = 3,
                                    .source_special = tokenizers_.source->special(),
                                    .target_special = tokenizers_.target->special(),
                                    .sampler = std::make_shared<const SubwordSampler>(Sampler())};
  Batcher batcher(corpus_, options);
  std::vector<Batch> batches;
  std::vector<DataPosition> positions;
  std::set<int64_t> tokens_of_passes;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    int64_t tokens = 0;
    int64_t rows = 0;
    while (batcher.position().epoch == epoch) {
      positions.push_back(batcher.position());
      batches.push_back(batcher.Next());
      const Batch& batch = batches.back();
      EXPECT_LE(batch.rows * batch.target_length, 200);
      tokens += batch.target_tokens;
      rows += batch.rows;
    }
    EXPECT_EQ(rows, kPairs);
    tokens_of_passes.insert(tokens);
  }
  EXPECT_GT(tokens_of_passes.size(), 1);
  for (const size_t i : {positions.size() / 2, positions.size() - 1, size_t{1}}) {
    Batcher resumed(corpus_, options);
    resumed.Seek(positions[i]);
    ExpectSame(resumed.Next(), batches[i]);
    resumed.Seek(positions[i]);
    EXPECT_EQ(resumed.Skip(), batches[i].target_tokens);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SubwordSamplerTest,
                         testing::Values(TokenizerType::kUnigram, TokenizerType::kBpe),
                         [](const auto& type) {
                           return type.param == TokenizerType::kBpe ? "bpe" : "unigram";
                         });

TEST(TokenizerSampleTest, AlphaOfOneLeavesNoMergeOfBpe) {
  const TokenizerPair tokenizers = TokenizersOf(TokenizerType::kBpe);
  const std::string text = "kalo misu";
  const auto ids = tokenizers.source->Sample(text, {.alpha = 1.0}, 1);
  EXPECT_EQ(ids.size(), text.size() + 1);  // The characters and a space before them.
  for (const int32_t id : ids) {
    const std::string piece = tokenizers.source->PieceOf(id);
    EXPECT_TRUE(piece.size() == 1 || piece == "\xE2\x96\x81") << piece;
  }
}

TEST(TokenizerSampleTest, NbestDrawsFromTheBestSegmentationsOfSentencePiece) {
  const TokenizerPair tokenizers = TokenizersOf(TokenizerType::kUnigram);
  sentencepiece::SentencePieceProcessor sentencepiece;
  ASSERT_TRUE(sentencepiece.LoadFromSerializedProto(tokenizers.source->bytes()).ok());
  const std::string text = "kalo misu neta rivope kalomi";
  std::vector<std::vector<int>> best;
  ASSERT_TRUE(sentencepiece.NBestEncode(text, 4, &best).ok());
  std::set<std::vector<int32_t>> drawn;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    drawn.insert(tokenizers.source->Sample(text, {.alpha = 0.1, .nbest = 4}, seed));
  }
  EXPECT_EQ(drawn, (std::set<std::vector<int32_t>>(best.begin(), best.end())));
}

TEST(TokenizerSampleTest, AModelOfWordsCannotBeSampled) {
  const auto words =
      Tokenizer::FromBytes(ModelWith({{"model_type", "word"}, {"vocab_size", "40"}}), "words");
  const auto pieces = TokenizersOf(TokenizerType::kBpe).source;
  EXPECT_EQ(
      UsageErrorOf([&] { RequireCanSample({.source = pieces, .target = pieces}, {.alpha = 0.1}); }),
      "no error");
  EXPECT_THAT(
      UsageErrorOf([&] { RequireCanSample({.source = pieces, .target = words}, {.alpha = 0.1}); }),
      HasSubstr("tokenizer.sampling: SentencePiece can sample from unigram and bpe models "
                "only, and the target tokenizer is of another type"));
  EXPECT_THAT(UsageErrorOf([&] {
                RequireCanSample({.source = pieces, .target = pieces}, {.alpha = 0.1, .nbest = 4});
              }),
              HasSubstr("tokenizer.sampling.nbest: only a unigram model"));
  const auto unigram = TokenizersOf(TokenizerType::kUnigram);
  EXPECT_EQ(UsageErrorOf([&] { RequireCanSample(unigram, {.alpha = 0.1, .nbest = 4}); }),
            "no error");
}

}  // namespace
}  // namespace wavemt
