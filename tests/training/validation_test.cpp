#include "training/validation.h"

#include <gtest/gtest.h>

#include <cmath>
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

TEST(ValidationScores, TheMetricChoosesTheScoreAndWhatIsBetter) {
  ValidationScores scores{.loss = 2, .perplexity = 7.4, .bleu = 30, .bleu_signature = ""};
  scores.chrf = 50;
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kLoss), 2);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kPerplexity), 7.4);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kBleu), 30);
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kChrf), 50);
  scores.bleu.reset();
  EXPECT_EQ(ScoreOf(scores, ValidationMetric::kBleu), std::nullopt);
}

ValidationScores Scores(double value, double loss) {
  ValidationScores scores{.loss = loss, .perplexity = value, .bleu = value, .bleu_signature = ""};
  scores.chrf = value;
  return scores;
}

TEST(IsBetter, GoesByTheMetric) {
  using enum ValidationMetric;
  EXPECT_TRUE(IsBetter(Scores(0, 1), BestScore{.score = 2, .loss = 2}, kLoss));
  EXPECT_FALSE(IsBetter(Scores(0, 2), BestScore{.score = 1, .loss = 1}, kLoss));
  EXPECT_TRUE(IsBetter(Scores(1, 9), BestScore{.score = 2, .loss = 0}, kPerplexity));
  EXPECT_TRUE(IsBetter(Scores(2, 9), BestScore{.score = 1, .loss = 0}, kBleu));
  EXPECT_FALSE(IsBetter(Scores(1, 0), BestScore{.score = 2, .loss = 9}, kBleu));
  EXPECT_TRUE(IsBetter(Scores(2, 9), BestScore{.score = 1, .loss = 0}, kChrf));
  EXPECT_TRUE(IsBetter(Scores(0, 9), std::nullopt, kBleu));
}

TEST(IsBetter, LossDecidesBetweenEqualScores) {
  using enum ValidationMetric;
  for (const auto metric : {kPerplexity, kBleu, kChrf}) {
    EXPECT_TRUE(IsBetter(Scores(5, 1), BestScore{.score = 5, .loss = 2}, metric));
    EXPECT_FALSE(IsBetter(Scores(5, 2), BestScore{.score = 5, .loss = 2}, metric));
    EXPECT_FALSE(IsBetter(Scores(5, 3), BestScore{.score = 5, .loss = 2}, metric));
    // From a checkpoint of a version that did not save it.
    EXPECT_FALSE(IsBetter(Scores(5, 1), BestScore{.score = 5, .loss = std::nullopt}, metric));
  }
}

TEST(IsBetter, WhatWasNotMeasuredIsNotBetter) {
  using enum ValidationMetric;
  EXPECT_FALSE(IsBetter({.loss = std::nan(""), .perplexity = 1, .bleu = {}, .bleu_signature = ""},
                        std::nullopt, kLoss));
  EXPECT_FALSE(IsBetter({.loss = 1, .perplexity = 1, .bleu = {}, .bleu_signature = ""},
                        std::nullopt, kBleu));
}

}  // namespace
}  // namespace wavemt
