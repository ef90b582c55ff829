#include "model/attention.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "model/masks.h"
#include "small_model.h"

namespace wavemt {
namespace {

// LibTorch's own attention, an implementation that we did not write. It takes and gives
// [length, batch, d_model]; true in its mask of keys is what may not be seen.
class Reference {
 public:
  Reference(const torch::Tensor& in_weight, const torch::Tensor& in_bias,
            const torch::nn::Linear& out_proj, int64_t num_heads)
      : attention_(torch::nn::MultiheadAttentionOptions(out_proj->weight.size(0), num_heads)) {
    const torch::NoGradGuard no_grad;
    attention_->in_proj_weight.copy_(in_weight);
    attention_->in_proj_bias.copy_(in_bias);
    attention_->out_proj->weight.copy_(out_proj->weight);
    attention_->out_proj->bias.copy_(out_proj->bias);
  }

  torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& memory,
                           const torch::Tensor& hidden_keys, const torch::Tensor& added_to_scores) {
    const auto keys = memory.transpose(0, 1);
    const auto [output, weights] = attention_(x.transpose(0, 1), keys, keys, hidden_keys,
                                              /*need_weights=*/false, added_to_scores);
    return output.transpose(0, 1);
  }

 private:
  torch::nn::MultiheadAttention attention_;
};

class AttentionTest : public testing::Test {
 protected:
  AttentionTest() : config_(SmallModelConfig()) {
    torch::manual_seed(11);
    x_ = torch::randn({3, 5, config_.d_model});
    memory_ = torch::randn({3, 7, config_.d_model});
  }

  ModelConfig config_;
  torch::Tensor x_;
  torch::Tensor memory_;
  torch::Tensor no_mask_;
};

void ExpectClose(const torch::Tensor& actual, const torch::Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LT((actual - expected).abs().max().item<double>(), 1e-5);
}

Reference ReferenceOf(const SelfAttention& attention, int64_t num_heads) {
  return {attention->qkv_proj->weight, attention->qkv_proj->bias, attention->out_proj, num_heads};
}

TEST_F(AttentionTest, SelfAttentionIsLibTorchs) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  ExpectClose(attention(x_, no_mask_), reference(x_, x_, {}, {}));
}

TEST_F(AttentionTest, SelfAttentionWithPaddingIsLibTorchs) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  const auto mask = PaddingMask(torch::tensor({5, 2, 1}, torch::kLong), 5);
  ExpectClose(attention(x_, mask), reference(x_, x_, mask.view({3, 5}).logical_not(), {}));
}

TEST_F(AttentionTest, CausalAttentionIsLibTorchs) {
  SelfAttention attention(config_);
  auto reference = ReferenceOf(attention, config_.num_heads);
  // Added to the scores; LibTorch's C++ module adds a mask of booleans as well.
  const auto future = torch::full({5, 5}, -INFINITY).triu(1);
  ExpectClose(attention->ForwardCausal(x_), reference(x_, x_, {}, future));
}

TEST_F(AttentionTest, StepsGiveWhatTheWholeGives) {
  SelfAttention attention(config_);
  const auto whole = attention->ForwardCausal(x_);
  KeyValue past;
  for (int64_t place = 0; place < x_.size(1); ++place) {
    const auto step = attention->ForwardStep(x_.narrow(1, place, 1), &past);
    ExpectClose(step, whole.narrow(1, place, 1));
    EXPECT_EQ(past.key.size(2), place + 1);
  }
}

TEST_F(AttentionTest, CrossAttentionIsLibTorchs) {
  CrossAttention attention(config_);
  Reference reference(torch::cat({attention->q_proj->weight, attention->kv_proj->weight}),
                      torch::cat({attention->q_proj->bias, attention->kv_proj->bias}),
                      attention->out_proj, config_.num_heads);
  const auto projected = attention->ProjectMemory(memory_);
  ExpectClose(attention(x_, projected, no_mask_), reference(x_, memory_, {}, {}));
  const auto mask = PaddingMask(torch::tensor({1, 7, 4}, torch::kLong), 7);
  ExpectClose(attention(x_, projected, mask),
              reference(x_, memory_, mask.view({3, 7}).logical_not(), {}));
}

// Autocast's products round to eight bits; attention itself stays in fp32 on the CPU.
TEST_F(AttentionTest, UnderAutocastIsNearTheExactOneAndSoAreItsGradients) {
  SelfAttention attention(config_);
  const auto run = [&](bool autocast) {
    const auto x = x_.clone().requires_grad_();
    at::autocast::set_autocast_dtype(torch::kCPU, torch::kBFloat16);
    at::autocast::set_autocast_enabled(torch::kCPU, autocast);
    const auto output = attention->ForwardCausal(x);
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
  const auto in_training = attention(x_, no_mask_);
  EXPECT_FALSE(torch::allclose(in_training, attention(x_, no_mask_)));
  attention->eval();
  EXPECT_TRUE(torch::equal(attention(x_, no_mask_), attention(x_, no_mask_)));
  EXPECT_FALSE(torch::allclose(in_training, attention(x_, no_mask_)));
}

}  // namespace
}  // namespace wavemt
