#include "model/transformer.h"

#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "config/config_fields.h"
#include "model/masks.h"
#include "model_checks.h"
#include "small_model.h"
#include "support/error.h"

namespace wavemt {
namespace {

using Kind = std::tuple<LayerNormPlacement, Activation, TiedEmbeddings, PositionEncodingConfig>;

class TransformerTest : public testing::TestWithParam<Kind> {
 protected:
  TransformerTest() {
    ModelConfig config = SmallModelConfig();
    std::tie(config.layer_norm, config.activation, config.tied_embeddings,
             config.position_encoding) = GetParam();
    model_ = MakeSmallModel(config, {.source = kVocabulary, .target = kVocabulary}, /*seed=*/5);
  }

  torch::NoGradGuard no_grad_;
  Transformer model_{nullptr};
};

TEST_P(TransformerTest, ReturnsLogitsOverTheTargetVocabulary) {
  const auto logits = model_(RandomIds(2, 6), torch::Tensor(), RandomIds(2, 4));
  EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{2, 4, kVocabulary}));
  EXPECT_TRUE(torch::isfinite(logits).all().item<bool>());
}

TEST_P(TransformerTest, AFutureTokenNeverChangesEarlierLogits) {
  ExpectThatFutureTokensChangeNothing(model_);
}

TEST_P(TransformerTest, PaddingNeverChangesOutput) { ExpectThatPaddingChangesNothing(model_); }

TEST_P(TransformerTest, CachedStepsAgreeWithTheFullForwardPass) {
  ExpectThatCachedStepsAgree(model_);
}

// Products are rounded to bfloat16; what encodings do in attention is not.
TEST_P(TransformerTest, LogitsUnderAutocastAreCloseToFp32) {
  const auto source = RandomIds(3, 6);
  const auto mask = PaddingMask(torch::tensor({6, 2, 4}, torch::kLong), 6);
  const auto target = RandomIds(3, 5);
  const auto exact = model_(source, mask, target);
  at::autocast::set_autocast_dtype(torch::kCPU, torch::kBFloat16);
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  const auto rounded = model_(source, mask, target).to(torch::kFloat);
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  at::autocast::clear_cache();
  EXPECT_FALSE(torch::equal(rounded, exact));
  EXPECT_LT(LargestDifference(rounded, exact), 0.05 * exact.abs().max().item<double>());
}

// Of weights whose gradients pass through everything that an encoding does: its own, and the
// projections of self-attention.
TEST_P(TransformerTest, GradientsAreThoseOfFiniteDifferences) {
  ExpectGradientsOfFiniteDifferences(model_, [](const std::string& name) {
    return name.starts_with("position_encoding.") ||
           name.find("layers.1.self_attention.qkv_proj") != std::string::npos;
  });
}

TEST_P(TransformerTest, EveryWeightGetsAGradient) {
  const torch::AutoGradMode with_grad(true);
  model_(RandomIds(2, 5), torch::Tensor(), RandomIds(2, 5)).square().sum().backward();
  for (const auto& item : model_->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

std::string NameOfKind(const testing::TestParamInfo<Kind>& info) {
  const auto& [norm, activation, tied, positions] = info.param;
  return fmt::format("{}_{}_{}_{}_{}_{}", NameOf(norm), NameOf(activation), NameOf(tied),
                     NameOf(positions.type), NameOf(positions.alibi_slopes),
                     positions.random_shift);
}

INSTANTIATE_TEST_SUITE_P(
    All, TransformerTest,
    testing::Combine(testing::Values(LayerNormPlacement::kPre, LayerNormPlacement::kPost),
                     testing::Values(Activation::kRelu, Activation::kGelu, Activation::kSwish,
                                     Activation::kSwiglu),
                     testing::Values(TiedEmbeddings::kNone, TiedEmbeddings::kAll),
                     testing::Values(PositionEncodingConfig{.max_length = 32})),
    NameOfKind);

INSTANTIATE_TEST_SUITE_P(EveryEncoding, TransformerTest,
                         testing::Combine(testing::Values(LayerNormPlacement::kPre),
                                          testing::Values(Activation::kRelu),
                                          testing::Values(TiedEmbeddings::kAll),
                                          testing::ValuesIn(EveryEncoding())),
                         NameOfKind);

// Attention weights are dropped by other code where an encoding rules out the fused kernels.
TEST(Transformer, AttentionDropoutActsOnlyInTrainingWithEveryEncoding) {
  for (const PositionEncodingConfig& positions : EveryEncoding()) {
    ModelConfig config = SmallModelConfig();
    config.position_encoding = positions;
    config.position_encoding.random_shift = 0;
    config.attention_dropout = 0.5;
    Transformer model = MakeSmallModel(config, {.source = kVocabulary, .target = kVocabulary}, 1);
    const auto source = RandomIds(2, 5);
    const auto target = RandomIds(2, 5);
    const auto run = [&] { return model(source, torch::Tensor(), target); };
    EXPECT_TRUE(torch::equal(run(), run())) << NameOf(positions.type);
    model->train();
    EXPECT_GT(LargestDifference(run(), run()), 1e-3) << NameOf(positions.type);
  }
}

TEST(Transformer, RandomShiftMovesEachSentenceInTrainingAlone) {
  ModelConfig config = SmallModelConfig();
  config.position_encoding.random_shift = 20;
  Transformer model = MakeSmallModel(config, {.source = kVocabulary, .target = kVocabulary}, 1);
  const auto source = RandomIds(1, 5).expand({8, 5});
  const auto run = [&] { return model->Encode(source, torch::Tensor()); };
  const auto in_place = run();
  EXPECT_LT(LargestDifference(in_place[0], in_place[1]), kTolerance);
  model->train();
  torch::manual_seed(3);
  const auto shifted = run();
  EXPECT_GT(LargestDifference(shifted[0], shifted[1]), 1e-3);
  torch::manual_seed(3);
  EXPECT_TRUE(torch::equal(run(), shifted));
}

TEST(Transformer, VocabulariesMayDiffer) {
  ModelConfig config = SmallModelConfig();
  config.tied_embeddings = TiedEmbeddings::kDecoder;
  Transformer model = MakeSmallModel(config, {.source = 50, .target = 7}, /*seed=*/1);
  const auto logits = model(torch::full({1, 3}, 49, torch::kLong), torch::Tensor(),
                            torch::full({1, 2}, 6, torch::kLong));
  EXPECT_EQ(logits.size(2), 7);
}

TEST(Transformer, RefusesASentenceLongerThanItsPositions) {
  Transformer model =
      MakeSmallModel(SmallModelConfig(), {.source = kVocabulary, .target = kVocabulary}, 1);
  ASSERT_EQ(model->max_length(), 32);
  EXPECT_NO_THROW(model->Encode(RandomIds(1, 32), {}));
  EXPECT_THAT([&] { model->Encode(RandomIds(1, 33), {}); },
              testing::ThrowsMessage<Error>(
                  testing::AllOf(testing::HasSubstr("33"), testing::HasSubstr("32"))));
}

TEST(Transformer, DropoutActsOnlyInTraining) {
  ModelConfig config = SmallModelConfig();
  config.dropout = 0.3;
  Transformer model = MakeSmallModel(config, {.source = kVocabulary, .target = kVocabulary}, 1);
  const auto source = RandomIds(1, 5);
  const auto target = RandomIds(1, 5);
  const auto run = [&] { return model(source, torch::Tensor(), target); };
  const auto expected = run();
  EXPECT_TRUE(torch::equal(run(), expected));
  model->train();
  EXPECT_GT(LargestDifference(run(), expected), 1e-3);
  EXPECT_GT(LargestDifference(run(), run()), 1e-3);
}

}  // namespace
}  // namespace wavemt
