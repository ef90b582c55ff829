#include "model/cpu_bf16.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "model/autocast.h"
#include "model/bf16_kernel.h"

namespace wavemt {
namespace {

using torch::Tensor;

Tensor Leaf(c10::IntArrayRef sizes) { return torch::randn(sizes).requires_grad_(); }

// How far two tensors are apart, as a part of the numbers' size.
double Distance(const Tensor& a, const Tensor& b) {
  return ((a.to(torch::kDouble) - b).norm() / b.norm()).item<double>();
}

// The result of `compute` under autocast, and the gradients of `leaves` for a fixed gradient of it.
std::vector<Tensor> ResultAndGradients(const std::vector<Tensor>& leaves, auto compute) {
  for (const Tensor& leaf : leaves) leaf.mutable_grad().reset();
  const Autocast autocast(torch::kCPU, Precision::kBf16);
  const Tensor result = compute();
  torch::manual_seed(1);
  result.backward(torch::randn(result.sizes()).to(result.scalar_type()));
  std::vector<Tensor> all = {result.detach()};
  for (const Tensor& leaf : leaves) all.push_back(leaf.grad());
  return all;
}

void ExpectSame(const std::vector<Tensor>& ours, const std::vector<Tensor>& expected) {
  // Both round to bf16, which has 8 bits, in several places.
  constexpr double kTolerance = 0.01;
  ASSERT_EQ(ours.size(), expected.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(ours[i].sizes(), expected[i].sizes()) << i;
    EXPECT_EQ(ours[i].scalar_type(), expected[i].scalar_type()) << i;
    EXPECT_LT(Distance(ours[i], expected[i]), kTolerance) << i;
  }
}

TEST(CpuBf16, RoundsUpToFewNumbersOfRows) {
  EXPECT_EQ(RoundedRows(1), 32);
  EXPECT_EQ(RoundedRows(32), 32);
  EXPECT_EQ(RoundedRows(33), 64);
  EXPECT_EQ(RoundedRows(1900), 1920);
  EXPECT_EQ(RoundedRows(1921), 2048);
  EXPECT_EQ(RoundedRows(2048), 2048);
  EXPECT_EQ(RoundedRows(2049), 2304);
  std::vector<int64_t> different;
  for (int64_t rows = 1024; rows <= 4096; ++rows) {
    const int64_t rounded = RoundedRows(rows);
    EXPECT_GE(rounded, rows);
    EXPECT_LE(rounded, rows + rows / 8);
    if (different.empty() || different.back() != rounded) different.push_back(rounded);
  }
  EXPECT_EQ(different.size(), 17);
}

TEST(CpuBf16, IsForAutocastOnTheCpu) {
  const Tensor x = torch::ones({2, 2});
  EXPECT_FALSE(UsesCpuBf16(x));
  const Autocast autocast(torch::kCPU, Precision::kBf16);
  EXPECT_TRUE(UsesCpuBf16(x));
}

TEST(CpuBf16, RowsThatAreAddedAreZero) {
  const Tensor x = torch::randn({3, 7, 4});
  const Tensor rows = InRoundedRows(x);
  EXPECT_EQ(rows.sizes(), (std::vector<int64_t>{32, 4}));
  EXPECT_TRUE(torch::equal(rows.narrow(0, 0, 21), x.view({21, 4}).to(torch::kBFloat16)));
  EXPECT_EQ(rows.narrow(0, 21, 11).count_nonzero().item<int64_t>(), 0);
}

TEST(CpuBf16, PreparesGradients) {
  torch::manual_seed(0);
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {37, 24}, {64, 33}}) {
    const Tensor gradient = torch::randn({rows, columns});
    const Tensor active = torch::randn({rows, columns}).relu().to(torch::kBFloat16);
    const Tensor cut = torch::where(active > 0, gradient, 0.0);
    for (const bool is_cut : {false, true}) {
      const Tensor expected = (is_cut ? cut : gradient).to(torch::kBFloat16);
      const Tensor to = torch::empty_like(expected);
      const Tensor transposed = torch::zeros({columns, rows + 3}, expected.options());
      const Tensor sums = torch::ones({columns});
      const auto bits = [](const Tensor& t) {
        return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>());
      };
      PrepareGradient(gradient.data_ptr<float>(), is_cut ? bits(active) : nullptr, rows, columns,
                      {.rows = bits(to),
                       .transposed = bits(transposed),
                       .transposed_stride = rows + 3,
                       .sums = sums.data_ptr<float>()});
      EXPECT_TRUE(torch::equal(to, expected));
      EXPECT_TRUE(torch::equal(transposed.narrow(1, 0, rows), expected.t()));
      EXPECT_EQ(transposed.narrow(1, rows, 3).count_nonzero().item<int64_t>(), 0);
      EXPECT_TRUE(torch::allclose(sums, (is_cut ? cut : gradient).sum(0) + 1, 1e-4, 1e-4));
      const Tensor again = torch::empty_like(expected);
      PrepareGradient(bits(expected), nullptr, rows, columns,
                      {.rows = bits(again),
                       .transposed = bits(transposed),
                       .transposed_stride = rows + 3,
                       .sums = sums.data_ptr<float>()});
      EXPECT_TRUE(torch::equal(again, expected));
    }
  }
}

TEST(CpuBf16, LinearIsThatOfLibTorch) {
  torch::manual_seed(0);
  // 21 rows are rounded up; 32 are a full number.
  for (const auto& sizes : {std::vector<int64_t>{3, 7, 24}, {4, 8, 24}, {1, 1, 24}}) {
    const Tensor x = Leaf(sizes);
    const Tensor weight = Leaf({40, 24});
    const Tensor bias = Leaf({40});
    const std::vector<Tensor> leaves = {x, weight, bias};
    const auto expected =
        ResultAndGradients(leaves, [&] { return torch::linear(x, weight, bias); });
    ExpectSame(ResultAndGradients(leaves, [&] { return CpuBf16Linear(x, weight, bias); }),
               expected);
  }
}

FeedForwardWeights FeedForwardLeaves(int64_t d_model, int64_t ffn_dim) {
  return {.in_weight = Leaf({ffn_dim, d_model}),
          .in_bias = Leaf({ffn_dim}),
          .out_weight = Leaf({d_model, ffn_dim}),
          .out_bias = Leaf({d_model})};
}

std::vector<Tensor> LeavesOf(const Tensor& x, const FeedForwardWeights& weights) {
  return {x, weights.in_weight, weights.in_bias, weights.out_weight, weights.out_bias};
}

TEST(CpuBf16, FeedForwardIsThatOfLibTorch) {
  torch::manual_seed(0);
  const Tensor x = Leaf({3, 7, 24});
  const FeedForwardWeights weights = FeedForwardLeaves(24, 64);
  const std::vector<Tensor> leaves = LeavesOf(x, weights);
  const auto expected = ResultAndGradients(leaves, [&] {
    const Tensor inner = torch::relu(torch::linear(x, weights.in_weight, weights.in_bias));
    return torch::linear(inner, weights.out_weight, weights.out_bias);
  });
  ExpectSame(ResultAndGradients(leaves, [&] { return CpuBf16FeedForward(x, weights); }), expected);
}

// LibTorch fills new memory with NaN here: none of it may reach a result.
TEST(CpuBf16, NothingComesFromNewMemory) {
  torch::manual_seed(0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  const Tensor x = Leaf({3, 7, 24});
  const FeedForwardWeights weights = FeedForwardLeaves(24, 40);
  const std::vector<Tensor> leaves = LeavesOf(x, weights);
  const auto all = ResultAndGradients(leaves, [&] {
    return CpuBf16FeedForward(
        CpuBf16Linear(x, weights.in_weight.t().mm(weights.in_weight), weights.out_bias), weights);
  });
  at::globalContext().setDeterministicAlgorithms(false, /*warn_only=*/false);
  for (const Tensor& tensor : all) EXPECT_TRUE(torch::isfinite(tensor).all().item<bool>());
}

TEST(CpuBf16, BehindFrozenWeightsTheGradientIsTheSame) {
  torch::manual_seed(0);
  const Tensor x = Leaf({3, 7, 24});
  const FeedForwardWeights weights = {.in_weight = Leaf({64, 24}),
                                      .in_bias = Leaf({64}),
                                      .out_weight = Leaf({24, 64}),
                                      .out_bias = Leaf({24})};
  const auto gradient = [&](const FeedForwardWeights& some) {
    return ResultAndGradients({x}, [&] { return CpuBf16FeedForward(x, some); }).back();
  };
  const Tensor expected = gradient(weights);
  EXPECT_TRUE(torch::equal(gradient({.in_weight = weights.in_weight.detach(),
                                     .in_bias = weights.in_bias.detach(),
                                     .out_weight = weights.out_weight.detach(),
                                     .out_bias = weights.out_bias.detach()}),
                           expected));
}

TEST(CpuBf16, FrozenWeightsHaveNoGradient) {
  const Tensor x = Leaf({3, 7, 24});
  const Tensor weight = torch::randn({40, 24});
  const Tensor bias = torch::randn({40});
  const Autocast autocast(torch::kCPU, Precision::kBf16);
  CpuBf16Linear(x, weight, bias).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
}

}  // namespace
}  // namespace wavemt
