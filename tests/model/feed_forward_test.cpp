#include "model/feed_forward.h"

#include <gtest/gtest.h>

#include <cmath>

#include "small_model.h"

namespace wavemt {
namespace {

class FeedForwardTest : public testing::Test {
 protected:
  FeedForward Make(Activation activation) {
    torch::manual_seed(3);
    config_.activation = activation;
    return FeedForward(config_);
  }

  // in_proj's output, before the activation.
  torch::Tensor Inner(const FeedForward& layer) const {
    return torch::matmul(x_, layer->in_proj->weight.t()) + layer->in_proj->bias;
  }

  torch::Tensor Out(const FeedForward& layer, const torch::Tensor& inner) const {
    return torch::matmul(inner, layer->out_proj->weight.t()) + layer->out_proj->bias;
  }

  ModelConfig config_ = SmallModelConfig();
  torch::Tensor x_ = torch::randn({2, 3, config_.d_model});
};

TEST_F(FeedForwardTest, ReluKeepsPositiveValues) {
  auto layer = Make(Activation::kRelu);
  const auto inner = Inner(layer);
  EXPECT_TRUE(torch::allclose(layer(x_), Out(layer, torch::where(inner > 0, inner, 0.0)), 0, 1e-5));
}

TEST_F(FeedForwardTest, GeluIsExact) {
  auto layer = Make(Activation::kGelu);
  const auto inner = Inner(layer);
  const auto activated = inner * 0.5 * (1 + torch::erf(inner / std::sqrt(2.0)));
  EXPECT_TRUE(torch::allclose(layer(x_), Out(layer, activated), 0, 1e-5));
}

TEST_F(FeedForwardTest, SwigluGatesOneHalfWithTheOther) {
  auto layer = Make(Activation::kSwiglu);
  ASSERT_EQ(layer->in_proj->weight.sizes(),
            (std::vector<int64_t>{2 * config_.ffn_dim, config_.d_model}));
  const auto inner = Inner(layer);
  const auto gate = inner.narrow(-1, 0, config_.ffn_dim);
  const auto up = inner.narrow(-1, config_.ffn_dim, config_.ffn_dim);
  EXPECT_TRUE(torch::allclose(layer(x_), Out(layer, gate / (1 + torch::exp(-gate)) * up), 0, 1e-5));
}

TEST_F(FeedForwardTest, DropoutActsOnTheInnerActivations) {
  config_.activation_dropout = 0.999;
  auto layer = Make(Activation::kRelu);
  // Almost everything is dropped, so mostly the output bias remains.
  const auto is_bias = (layer(x_) - layer->out_proj->bias).abs() < 1e-6;
  EXPECT_GT(is_bias.to(torch::kFloat).mean().item<double>(), 0.5);
  layer->eval();
  EXPECT_GT((layer(x_) - layer->out_proj->bias).abs().max().item<double>(), 0.01);
}

}  // namespace
}  // namespace wavemt
