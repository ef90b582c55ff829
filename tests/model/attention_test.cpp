#include "model/attention.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "model/masks.h"
#include "model/positions/relative_encoding.h"
#include "small_model.h"

namespace wavemt {
namespace {

// LibTorch's own attention as an independent implementation. Its inputs and outputs are
// [length, batch, d_model], and true in its key mask means "must not attend".
class Reference {
 public:
  Reference(const torch::Tensor& in_weight, const torch::Tensor& in_bias,
            const Projection& out_proj, int64_t num_heads)
      : attention_(torch::nn::MultiheadAttentionOptions(out_proj->weight.size(0), num_heads)) {
    const torch::NoGradGuard no_grad;
    attention_->in_proj_weight.copy_(in_weight);
    attention_->in_proj_bias.copy_(in_bias);
    attention_->out_proj->weight.copy_(out_proj->weight);
    attention_->out_proj->bias.copy_(out_proj->bias);
  }

  torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& attended,
                           const torch::Tensor& hidden_keys, const torch::Tensor& added_to_scores) {
    const auto keys = attended.transpose(0, 1);
    const auto [output, weights] = attention_(x.transpose(0, 1), keys, keys, hidden_keys,
                                              /*need_weights=*/false, added_to_scores);
    return output.transpose(0, 1);
  }

 private:
  torch::nn::MultiheadAttention attention_;
};

class AttentionTest : public testing::Test {
 protected:
  // A cache with one layer, whose source nobody attends to.
  KeyValueCache EmptyCache() const {
    const int64_t head_dim = config_.d_model / config_.num_heads;
    return {{{.of_source = torch::zeros({1, 2, config_.num_heads, head_dim})}}, {{0, 1}}};
  }

  AttentionTest() : config_(SmallModelConfig()) {
    torch::manual_seed(11);
    x_ = torch::randn({3, 5, config_.d_model});
    encoder_output_ = torch::randn({3, 7, config_.d_model});
  }

  ModelConfig config_;
  torch::Tensor x_;
  torch::Tensor encoder_output_;
  torch::Tensor no_mask_;
};

const SelfAttentionPass kCausal = SelfAttentionPass::OfDecoder({});

SelfAttentionPass OfEncoder(const torch::Tensor& src_padding_mask) {
  return SelfAttentionPass::OfEncoder({}, src_padding_mask);
}

void ExpectClose(const torch::Tensor& actual, const torch::Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LT((actual - expected).abs().max().item<double>(), 1e-5);
}

Reference ReferenceOf(const SelfAttention& attention, int64_t num_heads) {
  return {attention->qkv_proj->weight, attention->qkv_proj->bias, attention->out_proj, num_heads};
}

TEST_F(AttentionTest, SelfAttentionMatchesLibTorch) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  ExpectClose(attention(x_, OfEncoder(no_mask_)), reference(x_, x_, {}, {}));
}

TEST_F(AttentionTest, SelfAttentionWithPaddingMatchesLibTorch) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  const auto mask = PaddingMask(torch::tensor({5, 2, 1}, torch::kLong), 5);
  ExpectClose(attention(x_, OfEncoder(mask)),
              reference(x_, x_, mask.view({3, 5}).logical_not(), {}));
}

TEST_F(AttentionTest, CausalAttentionMatchesLibTorch) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  // LibTorch's C++ module adds this mask to the scores; it would add a boolean mask, too.
  const auto future = torch::full({5, 5}, -INFINITY).triu(1);
  ExpectClose(attention(x_, kCausal), reference(x_, x_, {}, future));
}

TEST_F(AttentionTest, StepsAgreeWithTheFullSequence) {
  SelfAttention attention(config_);
  const auto full = attention(x_, kCausal);
  KeyValueCache cache = EmptyCache();
  for (int64_t position = 0; position < x_.size(1); ++position) {
    cache.BeginStep(x_.size(0));
    const auto step = attention->ForwardStep(x_.narrow(1, position, 1), SelfAttentionPass{},
                                             /*layer=*/0, &cache);
    ExpectClose(step, full.narrow(1, position, 1));
    EXPECT_EQ(cache.OfTarget(0).key.size(2), position + 1);
  }
}

// Long sentences are attended to in blocks of queries; a step has always one.
TEST_F(AttentionTest, VectorsByDistanceAreTheSameInBlocks) {
  config_.position_encoding.relative_clip_distance = 3;
  RelativeEncoding encoding(config_);
  const torch::NoGradGuard no_grad;
  encoding->InitializeWeights();
  SelfAttention attention(config_);
  constexpr int64_t kLength = 600;
  const auto x = torch::randn({1, kLength, config_.d_model});
  const auto positions = [&](int64_t first, int64_t queries) {
    return encoding->ForAttention({.stack = Stack::kDecoder, .first = first, .queries = queries})
        .InLayer(0);
  };
  const auto whole = attention(x, SelfAttentionPass::OfDecoder(positions(0, kLength)));
  KeyValueCache cache = EmptyCache();
  for (int64_t position = 0; position < kLength; ++position) {
    cache.BeginStep(1);
    const auto pass = SelfAttentionPass::OfStep(positions(position, 1));
    const auto step = attention->ForwardStep(x.narrow(1, position, 1), pass, /*layer=*/0, &cache);
    if (position % 50 == 5) ExpectClose(step, whole.narrow(1, position, 1));
  }
}

TEST_F(AttentionTest, CrossAttentionMatchesLibTorch) {
  CrossAttention attention(config_);
  Reference reference(torch::cat({attention->q_proj->weight, attention->kv_proj->weight}),
                      torch::cat({attention->q_proj->bias, attention->kv_proj->bias}),
                      attention->out_proj, config_.num_heads);
  const auto projected = attention->ProjectEncoderOutput(encoder_output_);
  ExpectClose(attention(x_, projected, no_mask_), reference(x_, encoder_output_, {}, {}));
  const auto mask = PaddingMask(torch::tensor({1, 7, 4}, torch::kLong), 7);
  ExpectClose(attention(x_, projected, mask),
              reference(x_, encoder_output_, mask.view({3, 7}).logical_not(), {}));
}

// Autocast rounds matrix products to bfloat16; attention itself stays in fp32 on the CPU.
TEST_F(AttentionTest, OutputAndGradientsUnderAutocastAreCloseToFp32) {
  SelfAttention attention(config_);
  const auto run = [&](bool autocast) {
    const auto x = x_.clone().requires_grad_();
    at::autocast::set_autocast_dtype(torch::kCPU, torch::kBFloat16);
    at::autocast::set_autocast_enabled(torch::kCPU, autocast);
    const auto output = attention(x, kCausal);
    at::autocast::set_autocast_enabled(torch::kCPU, false);
    at::autocast::clear_cache();
    output.pow(2).sum().backward();
    return std::pair(output.to(torch::kFloat), x.grad());
  };
  const auto [exact, exact_gradient] = run(false);
  const auto [output, gradient] = run(true);
  constexpr double kTolerance = 0.03;
  EXPECT_FALSE(torch::equal(output, exact));
  EXPECT_LE((output - exact).abs().max().item<double>(),
            kTolerance * exact.abs().max().item<double>());
  EXPECT_LE((gradient - exact_gradient).abs().max().item<double>(),
            kTolerance * exact_gradient.abs().max().item<double>());
}

TEST_F(AttentionTest, DropsWeightsOnlyInTraining) {
  config_.attention_dropout = 0.5;
  SelfAttention attention(config_);
  const auto run = [&] { return attention(x_, SelfAttentionPass{}); };
  const auto in_training = run();
  EXPECT_FALSE(torch::allclose(in_training, run()));
  attention->eval();
  EXPECT_TRUE(torch::equal(run(), run()));
  EXPECT_FALSE(torch::allclose(in_training, run()));
}

}  // namespace
}  // namespace wavemt
