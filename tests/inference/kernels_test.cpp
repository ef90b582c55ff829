#include "inference/kernels.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

namespace wavemt {
namespace {

class KernelsTest : public testing::Test {
 protected:
  KernelsTest() { torch::manual_seed(3); }
  torch::NoGradGuard no_grad_;
};

TEST_F(KernelsTest, NormalizesAsLibTorchDoes) {
  for (const int64_t columns : {1, 5, 16, 100}) {
    const auto x = torch::randn({7, columns}) * 3 + 2;
    const auto weight = torch::randn({columns});
    const auto bias = torch::randn({columns});
    auto y = torch::empty_like(x);
    NormalizeRows({.weight = weight.const_data_ptr<float>(),
                   .bias = bias.const_data_ptr<float>(),
                   .epsilon = 1e-5F},
                  x.const_data_ptr<float>(), 7, columns, y.data_ptr<float>());
    EXPECT_TRUE(torch::allclose(y, torch::layer_norm(x, {columns}, weight, bias), 1e-4, 1e-4));
  }
}

TEST_F(KernelsTest, AttendsAsLibTorchDoes) {
  for (const int64_t head_dim : {4, 16, 32, 40, 64, 72}) {
    for (const int64_t keys : {1, 15, 16, 37}) {
      SCOPED_TRACE(testing::Message() << head_dim << " " << keys);
      constexpr int64_t kHeads = 3;
      const auto query = torch::randn({kHeads, head_dim});
      const auto slots = torch::randn({keys, 2, kHeads, head_dim});
      std::vector<const float*> pointers;
      for (int64_t j = 0; j < keys; ++j) pointers.push_back(slots[j].const_data_ptr<float>());
      std::vector<float> scores(64);
      auto y = torch::empty({kHeads, head_dim});
      Attend({.num_heads = kHeads,
              .head_dim = head_dim,
              .query = query.const_data_ptr<float>(),
              .keys = pointers},
             scores.data(), y.data_ptr<float>());
      const auto expected = at::scaled_dot_product_attention(
          query.view({1, kHeads, 1, head_dim}), slots.select(1, 0).transpose(0, 1).unsqueeze(0),
          slots.select(1, 1).transpose(0, 1).unsqueeze(0));
      EXPECT_TRUE(torch::allclose(y, expected.view({kHeads, head_dim}), 1e-4, 1e-5));
    }
  }
}

TEST_F(KernelsTest, SumsLogitsBlockByBlock) {
  const auto logits = torch::randn({1000}) * 5;
  LogitSum sum;
  float largest = -INFINITY;
  for (int64_t begin = 0; begin < 1000; begin += 130) {
    const int64_t count = std::min<int64_t>(130, 1000 - begin);
    largest = std::max(largest, AddLogits(logits.const_data_ptr<float>() + begin, count, &sum));
  }
  EXPECT_EQ(largest, logits.max().item<float>());
  EXPECT_EQ(sum.largest, largest);
  EXPECT_NEAR(sum.largest + std::log(sum.sum), logits.logsumexp(0).item<float>(), 1e-4);
}

TEST_F(KernelsTest, FindsWhatIsAboveAThreshold) {
  const auto logits = torch::randn({333});
  std::vector<int32_t> indices(333);
  const int64_t found = FindAbove(logits.const_data_ptr<float>(), 333, 1.0F, indices.data());
  const auto expected = logits.gt(1.0F).nonzero().flatten();
  ASSERT_EQ(found, expected.size(0));
  for (int64_t i = 0; i < found; ++i) {
    EXPECT_EQ(indices[static_cast<size_t>(i)], expected[i].item<int64_t>());
  }
  EXPECT_EQ(FindAbove(logits.const_data_ptr<float>(), 333, 100.0F, indices.data()), 0);
}

TEST_F(KernelsTest, QuantizesToWithinHalfAStep) {
  const auto row = torch::randn({77}) * 4;
  std::vector<uint8_t> quantized(77);
  const float step = QuantizeRow(row.const_data_ptr<float>(), 77, quantized.data());
  EXPECT_FLOAT_EQ(step, row.abs().max().item<float>() / 127);
  for (int64_t i = 0; i < 77; ++i) {
    const auto value = static_cast<float>(quantized[static_cast<size_t>(i)]) - 128.0F;
    EXPECT_NEAR(step * value, row[i].item<float>(), step * 0.501);
  }
}

TEST_F(KernelsTest, AnInt8RowThatIsNotFiniteStaysSo) {
  std::vector<uint8_t> quantized(4);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const std::vector<float> row = {1, bad, 2, 3};
    EXPECT_TRUE(std::isnan(QuantizeRow(row.data(), 4, quantized.data())));
  }
  for (const float tiny : {0.0F, 1e-38F, 1e-42F}) {
    const std::vector<float> row = {tiny, -tiny, 0, tiny};
    EXPECT_EQ(QuantizeRow(row.data(), 4, quantized.data()), 0);
    EXPECT_EQ(quantized, (std::vector<uint8_t>{128, 128, 128, 128}));
  }
}

}  // namespace
}  // namespace wavemt
