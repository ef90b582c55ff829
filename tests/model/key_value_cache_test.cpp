#include "model/key_value_cache.h"

#include <gtest/gtest.h>

#include "model/masks.h"
#include "small_model.h"

namespace wavemt {
namespace {

constexpr int64_t kVocabularySize = 20;

torch::Tensor Ids(const std::vector<int64_t>& ids) { return torch::tensor(ids, torch::kLong); }

// Two sentences with two hypotheses each: rows are [sentence 0, 0, 1, 1].
class KeyValueCacheTest : public testing::Test {
 protected:
  KeyValueCacheTest()
      : model_(MakeSmallModel(SmallModelConfig(),
                              {.source = kVocabularySize, .target = kVocabularySize},
                              /*seed=*/9)),
        source_(torch::tensor({{5, 6, 7, 3}, {8, 9, 3, 0}}, torch::kLong)),
        mask_(PaddingMask(Ids({4, 3}), 4)),
        cache_(model_->decoder->MakeKeyValueCache(model_->Encode(source_, mask_), mask_)) {}

  // The decoder's output for the last token of `target`, computed without a cache.
  torch::Tensor Uncached(int64_t sentence, const std::vector<int64_t>& target) {
    const auto source = source_.narrow(0, sentence, 1);
    const auto mask = mask_.narrow(0, sentence, 1);
    const auto hidden =
        model_->Decode(Ids(target).unsqueeze(0), model_->Encode(source, mask), mask);
    return hidden[0][-1];
  }

  static void ExpectRow(const torch::Tensor& hidden, int64_t row, const torch::Tensor& expected) {
    EXPECT_LT((hidden[row] - expected).abs().max().item<double>(), 1e-5) << "row " << row;
  }

  torch::NoGradGuard no_grad_;
  Transformer model_;
  torch::Tensor source_;
  torch::Tensor mask_;
  KeyValueCache cache_;
};

TEST_F(KeyValueCacheTest, HypothesesOfASentenceShareItsEncoderOutput) {
  model_->DecodeStep(Ids({2, 2, 2, 2}), &cache_);
  const auto hidden = model_->DecodeStep(Ids({10, 11, 12, 13}), &cache_);
  ExpectRow(hidden, 0, Uncached(0, {2, 10}));
  ExpectRow(hidden, 1, Uncached(0, {2, 11}));
  ExpectRow(hidden, 2, Uncached(1, {2, 12}));
  ExpectRow(hidden, 3, Uncached(1, {2, 13}));
}

TEST_F(KeyValueCacheTest, RowsContinueFromTheSelectedRows) {
  model_->DecodeStep(Ids({2, 2, 2, 2}), &cache_);
  model_->DecodeStep(Ids({10, 11, 12, 13}), &cache_);
  cache_.SelectRows(Ids({1, 1, 3, 2}));
  const auto hidden = model_->DecodeStep(Ids({14, 15, 16, 17}), &cache_);
  ExpectRow(hidden, 0, Uncached(0, {2, 11, 14}));
  ExpectRow(hidden, 1, Uncached(0, {2, 11, 15}));
  ExpectRow(hidden, 2, Uncached(1, {2, 13, 16}));
  ExpectRow(hidden, 3, Uncached(1, {2, 12, 17}));
}

TEST_F(KeyValueCacheTest, SentencesCanBeDropped) {
  model_->DecodeStep(Ids({2, 2, 2, 2}), &cache_);
  model_->DecodeStep(Ids({10, 11, 12, 13}), &cache_);
  cache_.SelectSentences(Ids({1}));
  cache_.SelectRows(Ids({3, 2}));
  const auto hidden = model_->DecodeStep(Ids({14, 15}), &cache_);
  ASSERT_EQ(hidden.size(0), 2);
  ExpectRow(hidden, 0, Uncached(1, {2, 13, 14}));
  ExpectRow(hidden, 1, Uncached(1, {2, 12, 15}));
}

TEST_F(KeyValueCacheTest, SelectsFromAnEmptyCache) {
  cache_.SelectSentences(Ids({1}));
  cache_.SelectRows(Ids({2}));
  const auto hidden = model_->DecodeStep(Ids({2}), &cache_);
  ExpectRow(hidden, 0, Uncached(1, {2}));
}

}  // namespace
}  // namespace wavemt
