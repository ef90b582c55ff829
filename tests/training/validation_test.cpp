#include "training/validation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "copy_task.h"
#include "training/device_batch.h"

namespace wavemt {
namespace {

class ValidationTest : public testing::Test {
 protected:
  ValidationTest() {
    ModelConfig config;
    config.d_model = 16;
    config.num_heads = 2;
    config.ffn_dim = 16;
    config.num_encoder_layers = 1;
    config.num_decoder_layers = 1;
    config.dropout = 0.5;
    config.position_encoding.max_length = 16;
    const int64_t vocabulary = CopyTaskTokenizers().source->vocab_size();
    torch::manual_seed(1);
    model_ = Transformer(config, VocabularySizes{.source = vocabulary, .target = vocabulary});
  }

  double Loss(int64_t batch_tokens) { return StoppableLoss(batch_tokens, {}).value(); }

  std::optional<double> StoppableLoss(int64_t batch_tokens, std::function<bool()> stop_requested) {
    return ValidationLoss(model_, corpus_, torch::kCPU,
                          {.batch_tokens = batch_tokens,
                           .precision = Precision::kFp32,
                           .source_special = special_,
                           .target_special = special_,
                           .stop_requested = std::move(stop_requested)});
  }

  SpecialTokens special_ = CopyTaskTokenizers().source->special();
  MemoryCorpus corpus_ = CopyTask(/*pairs=*/20, /*shortest=*/1, /*longest=*/9, /*seed=*/5);
  Transformer model_{nullptr};
};

TEST_F(ValidationTest, LossIsTheMeanOverAllTokens) {
  double sum = 0;
  int64_t tokens = 0;
  model_->eval();
  for (uint32_t pair = 0; pair < corpus_.size(); ++pair) {
    const uint32_t pairs[] = {pair};
    const DeviceBatch batch = ToDevice(MakeBatch(corpus_, pairs, special_, special_), torch::kCPU);
    const auto logits = model_(batch.source, batch.src_padding_mask, batch.target_input);
    const auto log_p = torch::log_softmax(logits, -1);
    sum -= log_p.gather(-1, batch.labels.unsqueeze(-1)).sum().item<double>();
    tokens += batch.labels.numel();
  }
  EXPECT_NEAR(Loss(64), sum / static_cast<double>(tokens), 1e-5);
}

TEST_F(ValidationTest, EndsBeforeTheNextBatchOnceAStopIsRequested) {
  int asked = 0;
  EXPECT_FALSE(StoppableLoss(64, [&] { return ++asked == 3; }).has_value());
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(StoppableLoss(64, [] { return false; }).has_value());
}

TEST_F(ValidationTest, LossDoesNotDependOnTheBatches) {
  const double loss = Loss(64);
  EXPECT_NEAR(Loss(10), loss, 1e-6);
  EXPECT_NEAR(Loss(10'000), loss, 1e-6);
}

TEST_F(ValidationTest, LeavesTheModelAsItWas) {
  model_->train();
  const double loss = Loss(64);
  EXPECT_TRUE(model_->is_training());
  EXPECT_EQ(Loss(64), loss);  // No dropout.
  for (const auto& parameter : model_->parameters()) EXPECT_FALSE(parameter.grad().defined());
  model_->eval();
  Loss(64);
  EXPECT_FALSE(model_->is_training());
}

TEST(ValidationScores, TheMetricChoosesTheScore) {
  ValidationScores scores{.loss = 2, .perplexity = 7.4, .bleu = 30, .bleu_signature = ""};
  scores.chrf = 50;
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kLoss), 2);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kPerplexity), 7.4);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kBleu), 30);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kChrf), 50);
  scores.bleu.reset();
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kBleu), std::nullopt);
}

TEST(ValidationScores, WhatCountsOfThemIsTheMetricWithTheLoss) {
  using enum ValidationMetric;
  ValidationScores scores{.loss = 2, .perplexity = 7.4, .bleu = 30};
  EXPECT_EQ(BestScoreOf(scores, kBleu, 5), (BestScore{.step = 5, .score = 30, .loss = 2}));
  EXPECT_EQ(BestScoreOf(scores, kLoss, 5), (BestScore{.step = 5, .score = 2, .loss = 2}));
  EXPECT_EQ(BestScoreOf(scores, kChrf, 5), std::nullopt);  // It was not measured.
  scores.loss = std::nan("");
  EXPECT_EQ(BestScoreOf(scores, kLoss, 5), std::nullopt);
  scores.bleu = std::numeric_limits<double>::infinity();
  EXPECT_EQ(BestScoreOf(scores, kBleu, 5), std::nullopt);
}

}  // namespace
}  // namespace wavemt
