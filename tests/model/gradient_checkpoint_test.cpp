#include "model/gradient_checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "config/config_fields.h"
#include "model/adapters/adapter.h"
#include "model/autocast.h"
#include "model/frozen_weights.h"
#include "model_checks.h"
#include "small_model.h"

namespace wavemt {
namespace {

constexpr double kDropout = 0.2;

// A small model in training, with every dropout that there is.
ModelConfig ConfigWithDropout() {
  ModelConfig config = SmallModelConfig();
  config.num_encoder_layers = 3;
  config.num_decoder_layers = 3;
  config.dropout = config.attention_dropout = config.activation_dropout = kDropout;
  return config;
}

Transformer MakeModel(const ModelConfig& config, const AdapterConfig& adapter = {}) {
  Transformer model = MakeSmallModel(config, {.source = kVocabulary, .target = kVocabulary}, 5);
  AddAdapter(adapter, config, &model);
  {
    const torch::NoGradGuard no_grad;  // As if the adapter had been trained.
    for (auto& item : model->named_parameters()) {
      if (IsAdapterWeight(item.key())) item.value().normal_(0, 0.1);
    }
  }
  model->train();
  return model;
}

struct Pass {
  torch::Tensor loss;
  std::vector<torch::Tensor> gradients;  // Undefined for weights that have none.
  torch::Tensor next_random_numbers;
};

Pass Run(Transformer& model, bool checkpointing, Precision precision) {
  torch::manual_seed(8);
  const auto source = RandomIds(3, 9);
  const auto mask = PaddingMask(torch::tensor({4, 9, 1}, torch::kLong), 9);
  const auto target = RandomIds(3, 7);
  const auto factors = torch::randn({3, 7, kVocabulary});
  const auto loss = [&] {
    const Autocast autocast(torch::kCPU, precision);
    const GradientCheckpointing guard(checkpointing);
    return (model(source, mask, target) * factors).sum();
  }();
  loss.backward();
  Pass pass{.loss = loss.detach(), .gradients = {}, .next_random_numbers = torch::randn({5})};
  for (torch::Tensor& parameter : model->parameters()) {
    pass.gradients.push_back(parameter.grad());
    parameter.mutable_grad().reset();
  }
  return pass;
}

void ExpectSameBytes(Transformer model, Precision precision = Precision::kFp32) {
  const Pass plain = Run(model, /*checkpointing=*/false, precision);
  const Pass checkpointed = Run(model, /*checkpointing=*/true, precision);
  EXPECT_TRUE(torch::equal(checkpointed.loss, plain.loss));
  EXPECT_TRUE(torch::equal(checkpointed.next_random_numbers, plain.next_random_numbers));
  const std::vector<std::string> names = model->named_parameters().keys();
  bool any = false;
  for (size_t i = 0; i < names.size(); ++i) {
    const torch::Tensor& expected = plain.gradients[i];
    ASSERT_EQ(checkpointed.gradients[i].defined(), expected.defined()) << names[i];
    if (!expected.defined()) continue;
    EXPECT_TRUE(torch::equal(checkpointed.gradients[i], expected)) << names[i];
    any = any || expected.abs().max().item<double>() > 0;
  }
  EXPECT_TRUE(any);
}

AdapterConfig LoraWithDropout() {
  using enum LoraProjection;
  return {.type = AdapterType::kLora,
          .lora_rank = 3,
          .lora_dropout = kDropout,
          .lora_projections = {kQuery, kKey, kValue, kOutput, kFeedForward}};
}

using CheckpointedKind =
    std::tuple<PositionEncodingConfig, LayerNormPlacement, AdapterConfig, Precision>;

class GradientCheckpointTest : public testing::TestWithParam<CheckpointedKind> {};

TEST_P(GradientCheckpointTest, GradientsAreTheSameToTheByte) {
  ModelConfig config = ConfigWithDropout();
  AdapterConfig adapter;
  Precision precision{};
  std::tie(config.position_encoding, config.layer_norm, adapter, precision) = GetParam();
  ExpectSameBytes(MakeModel(config, adapter), precision);
}

std::string NameOfCheckpointed(const testing::TestParamInfo<CheckpointedKind>& info) {
  const auto& [positions, layer_norm, adapter, precision] = info.param;
  return fmt::format("{}_{}_{}_{}_{}_{}_{}", NameOf(positions.type), NameOf(positions.alibi_slopes),
                     positions.random_shift, NameOf(layer_norm), NameOf(adapter.type),
                     adapter.prefix_hidden_dim, NameOf(precision));
}

INSTANTIATE_TEST_SUITE_P(
    EveryModel, GradientCheckpointTest,
    testing::Combine(testing::ValuesIn(EveryEncoding()),
                     testing::Values(LayerNormPlacement::kPre, LayerNormPlacement::kPost),
                     testing::Values(AdapterConfig(), LoraWithDropout(),
                                     AdapterConfig{.type = AdapterType::kPrefix,
                                                   .prefix_length = 4},
                                     AdapterConfig{.type = AdapterType::kPrefix,
                                                   .prefix_length = 4,
                                                   .prefix_hidden_dim = 5}),
                     testing::Values(Precision::kFp32, Precision::kBf16)),
    NameOfCheckpointed);

TEST(GradientCheckpoint, EveryActivation) {
  for (const auto& [name, activation] : NamesOf(Activation{})) {
    SCOPED_TRACE(name);
    ModelConfig config = ConfigWithDropout();
    config.activation = activation;
    ExpectSameBytes(MakeModel(config));
  }
}

TEST(GradientCheckpoint, FrozenWeights) {
  for (const std::vector<std::string>& patterns :
       {std::vector<std::string>{"encoder", "*embedding*"},
        {"decoder.layers.1", "decoder.layers.2.feed_forward.in_proj"},
        {"encoder.layers.0", "*_norm*", "*.bias"}}) {
    Transformer model = MakeModel(ConfigWithDropout());
    FreezeWeights(patterns, &model);
    ExpectSameBytes(model);
  }
}

// A layer whose backward pass needs a tensor of its own, and which counts its runs.
class CountedLayerTest : public testing::Test {
 protected:
  torch::Tensor Output() {
    return Checkpointed(torch::kCPU, [this] {
      ++runs_;
      return torch::exp(x_ * 2);
    });
  }

  int runs_ = 0;
  torch::Tensor x_ = torch::tensor({1.0, 2.0}).requires_grad_();
};

TEST_F(CountedLayerTest, RunsAgainInTheBackwardPass) {
  const auto output = [this] {
    const GradientCheckpointing guard(/*enabled=*/true);
    return Output();
  }();
  EXPECT_EQ(runs_, 1);
  output.sum().backward();
  EXPECT_EQ(runs_, 2);
  EXPECT_TRUE(torch::allclose(x_.grad(), 2 * torch::exp(2 * x_)));
}

TEST_F(CountedLayerTest, RunsOnceWithoutIt) {
  { const GradientCheckpointing no_longer_there(/*enabled=*/true); }
  Output().sum().backward();
  EXPECT_EQ(runs_, 1);
  const GradientCheckpointing guard(/*enabled=*/false);
  Output().sum().backward();
  EXPECT_EQ(runs_, 2);
}

TEST_F(CountedLayerTest, RunsOnceWithoutGradients) {
  const GradientCheckpointing guard(/*enabled=*/true);
  {
    const torch::NoGradGuard no_grad;
    EXPECT_FALSE(Output().requires_grad());
  }
  EXPECT_EQ(runs_, 1);
  x_.requires_grad_(false);
  EXPECT_FALSE(Output().requires_grad());
  EXPECT_EQ(runs_, 2);
}

TEST_F(CountedLayerTest, AnErrorOfTheSecondRunIsOneOfTheBackwardPass) {
  const auto output = [this] {
    const GradientCheckpointing guard(/*enabled=*/true);
    return Checkpointed(torch::kCPU, [this] {
      const auto drawn = torch::rand({2});
      TORCH_CHECK_WITH(OutOfMemoryError, ++runs_ == 1, "no memory");
      return torch::exp(x_ * drawn);
    });
  }();
  const auto numbers = at::globalContext().defaultGenerator(torch::kCPU);
  const auto before = numbers.get_state();
  EXPECT_THROW(output.sum().backward(), c10::OutOfMemoryError);
  // Nothing of it is left.
  EXPECT_TRUE(torch::equal(numbers.get_state(), before));
  EXPECT_FALSE(x_.grad().defined());
  torch::exp(x_).sum().backward();
  EXPECT_TRUE(torch::allclose(x_.grad(), torch::exp(x_)));
}

TEST_F(CountedLayerTest, ASecondBackwardPassIsRefused) {
  const GradientCheckpointing guard(/*enabled=*/true);
  const auto sum = Output().sum();
  sum.backward(/*gradient=*/{}, /*retain_graph=*/true);
  EXPECT_THROW(sum.backward(), c10::Error);
}

}  // namespace
}  // namespace wavemt
