#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "config/config_fields.h"
#include "model/adapters/adapter.h"
#include "model_checks.h"
#include "small_model.h"

namespace wavemt {
namespace {

AdapterConfig Lora() {
  using enum LoraProjection;
  return {.type = AdapterType::kLora,
          .lora_rank = 3,
          .lora_alpha = 6,
          .lora_projections = {kQuery, kKey, kValue, kOutput, kFeedForward}};
}
AdapterConfig Prefix() { return {.type = AdapterType::kPrefix, .prefix_length = 4}; }
AdapterConfig PrefixOfNetwork() {
  return {.type = AdapterType::kPrefix, .prefix_length = 4, .prefix_hidden_dim = 5};
}

using AdaptedKind = std::tuple<AdapterConfig, PositionEncodingConfig>;

// A small model with an adapter whose weights are random, as if it had been trained.
class AdapterTest : public testing::TestWithParam<AdaptedKind> {
 protected:
  AdapterTest() {
    config_ = SmallModelConfig();
    AdapterConfig adapter;
    std::tie(adapter, config_.position_encoding) = GetParam();
    model_ = MakeSmallModel(config_, {.source = kVocabulary, .target = kVocabulary}, /*seed=*/5);
    AddAdapter(adapter, config_, &model_);
    for (auto& item : model_->named_parameters()) {
      if (IsAdapterWeight(item.key())) item.value().normal_(0, 0.1);
    }
  }

  torch::NoGradGuard no_grad_;
  ModelConfig config_;
  Transformer model_{nullptr};
};

TEST_P(AdapterTest, CachedStepsAgreeWithTheFullForwardPass) { ExpectThatCachedStepsAgree(model_); }

TEST_P(AdapterTest, PaddingNeverChangesOutput) { ExpectThatPaddingChangesNothing(model_); }

TEST_P(AdapterTest, AFutureTokenNeverChangesEarlierLogits) {
  ExpectThatFutureTokensChangeNothing(model_);
}

TEST_P(AdapterTest, OnlyItsOwnWeightsAreTrained) {
  const torch::AutoGradMode with_grad(true);
  model_(RandomIds(2, 5), torch::Tensor(), RandomIds(2, 5)).square().sum().backward();
  for (const auto& item : model_->named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), IsAdapterWeight(item.key())) << item.key();
    ASSERT_EQ(item.value().grad().defined(), IsAdapterWeight(item.key())) << item.key();
    if (IsAdapterWeight(item.key())) {
      EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
    }
  }
}

TEST_P(AdapterTest, GradientsAreThoseOfFiniteDifferences) {
  ExpectGradientsOfFiniteDifferences(model_, IsAdapterWeight);
}

TEST_P(AdapterTest, MergingChangesNoOutput) {
  if (std::get<AdapterConfig>(GetParam()).type != AdapterType::kLora) GTEST_SKIP();
  const auto source = RandomIds(2, 5);
  const auto target = RandomIds(2, 5);
  const auto before = model_(source, torch::Tensor(), target);
  MergeLora(&model_);
  for (const auto& item : model_->named_parameters()) EXPECT_FALSE(IsAdapterWeight(item.key()));
  EXPECT_LT(LargestDifference(model_(source, torch::Tensor(), target), before), kTolerance);
}

std::string NameOfAdapted(const testing::TestParamInfo<AdaptedKind>& info) {
  const auto& [adapter, positions] = info.param;
  return fmt::format("{}_{}_{}_{}_{}", NameOf(adapter.type), adapter.prefix_hidden_dim,
                     NameOf(positions.type), NameOf(positions.alibi_slopes),
                     positions.random_shift);
}

INSTANTIATE_TEST_SUITE_P(EveryEncoding, AdapterTest,
                         testing::Combine(testing::Values(Lora(), Prefix(), PrefixOfNetwork()),
                                          testing::ValuesIn(EveryEncoding())),
                         NameOfAdapted);

TEST(LoraTest, BeginsWithoutAChange) {
  const torch::NoGradGuard no_grad;
  Transformer model =
      MakeSmallModel(SmallModelConfig(), {.source = kVocabulary, .target = kVocabulary}, 5);
  const auto source = RandomIds(2, 5);
  const auto target = RandomIds(2, 5);
  const auto before = model(source, torch::Tensor(), target);
  AddAdapter(Lora(), SmallModelConfig(), &model);
  EXPECT_TRUE(torch::equal(model(source, torch::Tensor(), target), before));
}

// Hu et al. 2021, section 4.1, written out for the values of one fused projection.
TEST(LoraTest, AddsAScaledProductToItsBlock) {
  const torch::NoGradGuard no_grad;
  Projection projection(6, 12, /*num_blocks=*/3);
  const auto x = torch::randn({2, 5, 6});
  const auto before = projection(x);
  projection->AddLora({.name = "v_proj", .block = 2, .rank = 2, .alpha = 5.0});
  const auto parameters = projection->named_parameters();
  parameters["lora_v_proj_b"].normal_();
  const auto product = torch::matmul(torch::matmul(x, parameters["lora_v_proj_a"].t()),
                                     parameters["lora_v_proj_b"].t());
  auto expected = before.clone();
  expected.narrow(-1, 8, 4) += product * (5.0 / 2.0);
  EXPECT_LT(LargestDifference(projection(x), expected), kTolerance);
}

// Li and Liang 2021, section 4.2, written out: softmax over the prefix's keys and the tokens' own.
TEST(PrefixTest, IsKeysAndValuesBeforeThoseOfTheTokens) {
  const torch::NoGradGuard no_grad;
  const ModelConfig config = SmallModelConfig();
  SelfAttention attention(config);
  AttentionPrefix prefix(config, Prefix());
  prefix->table.normal_();
  const auto x = torch::randn({2, 5, config.d_model});
  const int64_t head_dim = config.d_model / config.num_heads;
  const auto heads = [&](const torch::Tensor& rows) {
    return rows.view({-1, rows.size(-2), config.num_heads, head_dim}).transpose(1, 2);
  };
  const auto qkv = attention->qkv_proj(x).chunk(3, -1);
  const auto own = prefix->table.chunk(2, -1);
  const auto keys = torch::cat({heads(own[0]).expand({2, -1, -1, -1}), heads(qkv[1])}, 2);
  const auto values = torch::cat({heads(own[1]).expand({2, -1, -1, -1}), heads(qkv[2])}, 2);
  auto scores =
      torch::matmul(heads(qkv[0]), keys.transpose(2, 3)) / std::sqrt(static_cast<double>(head_dim));
  const auto later = torch::ones({5, 9}, torch::kBool).triu(/*diagonal=*/5);
  scores = scores.masked_fill(later, -std::numeric_limits<double>::infinity());
  const auto context = torch::matmul(torch::softmax(scores, -1), values).transpose(1, 2).flatten(2);
  const auto expected = attention->out_proj(context);
  attention->AddPrefix(prefix);
  EXPECT_LT(LargestDifference(attention(x, SelfAttentionPass::OfDecoder({})), expected),
            kTolerance);
}

}  // namespace
}  // namespace wavemt
