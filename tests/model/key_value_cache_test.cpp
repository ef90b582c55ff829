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
        cache_(model_->decoder->MakeKeyValueCache(model_->Encode(source_, mask_),
                                                  std::vector<int64_t>{4, 3})) {}

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
  cache_.Select(std::vector<int32_t>{0, 1}, std::vector<int32_t>{1, 1, 3, 2});
  const auto hidden = model_->DecodeStep(Ids({14, 15, 16, 17}), &cache_);
  ExpectRow(hidden, 0, Uncached(0, {2, 11, 14}));
  ExpectRow(hidden, 1, Uncached(0, {2, 11, 15}));
  ExpectRow(hidden, 2, Uncached(1, {2, 13, 16}));
  ExpectRow(hidden, 3, Uncached(1, {2, 12, 17}));
}

TEST_F(KeyValueCacheTest, SentencesCanBeDropped) {
  model_->DecodeStep(Ids({2, 2, 2, 2}), &cache_);
  model_->DecodeStep(Ids({10, 11, 12, 13}), &cache_);
  cache_.Select(std::vector<int32_t>{1}, std::vector<int32_t>{3, 2});
  const auto hidden = model_->DecodeStep(Ids({14, 15}), &cache_);
  ASSERT_EQ(hidden.size(0), 2);
  ExpectRow(hidden, 0, Uncached(1, {2, 13, 14}));
  ExpectRow(hidden, 1, Uncached(1, {2, 12, 15}));
}

TEST_F(KeyValueCacheTest, AFirstStepOfOneRowASentenceGrowsIntoSeveral) {
  model_->DecodeStep(Ids({2, 2}), &cache_);
  cache_.Select(std::vector<int32_t>{0, 1}, std::vector<int32_t>{0, 0, 0, 1, 1, 1});
  const auto hidden = model_->DecodeStep(Ids({10, 11, 12, 13, 14, 15}), &cache_);
  ExpectRow(hidden, 2, Uncached(0, {2, 12}));
  ExpectRow(hidden, 3, Uncached(1, {2, 13}));
}

// Rows that were not selected leave slots behind, and slots move when their room grows.
TEST_F(KeyValueCacheTest, KeepsLongHistories) {
  std::vector<std::vector<int64_t>> targets(4, std::vector<int64_t>{2});
  model_->DecodeStep(Ids({2, 2, 2, 2}), &cache_);
  torch::Tensor hidden;
  for (int64_t step = 0; step < 12; ++step) {
    cache_.Select(std::vector<int32_t>{0, 1}, std::vector<int32_t>{1, 0, 3, 3});
    std::vector<int64_t> newest;
    std::vector<std::vector<int64_t>> longer = {targets[1], targets[0], targets[3], targets[3]};
    for (int64_t row = 0; row < 4; ++row) {
      newest.push_back(4 + (step * 4 + row) % (kVocabularySize - 4));
      longer[static_cast<size_t>(row)].push_back(newest.back());
    }
    targets = longer;
    hidden = model_->DecodeStep(Ids(newest), &cache_);
  }
  for (int64_t row = 0; row < 4; ++row) {
    ExpectRow(hidden, row, Uncached(row / 2, targets[static_cast<size_t>(row)]));
  }
}

}  // namespace
}  // namespace wavemt
