#include "model/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wavemt {
namespace {

constexpr double kP = 0.3;

// 1 for each element that was kept, else 0.
torch::Tensor Kept(int64_t size, uint64_t seed) {
  torch::manual_seed(seed);
  return DropoutAdd({}, torch::ones({size}), kP).ne(0).to(torch::kDouble);
}

TEST(DropoutTest, DropsTheGivenShareAndScalesTheRest) {
  constexpr int64_t kSize = 1'000'000;
  torch::manual_seed(1);
  const auto output = DropoutAdd({}, torch::full({kSize}, 2.0), kP);
  const double dropped = output.eq(0).sum().item<double>() / kSize;
  EXPECT_NEAR(dropped, kP, 5 * std::sqrt(kP * (1 - kP) / kSize));
  EXPECT_FLOAT_EQ(output.max().item<float>(), 2.0F / 0.7F);
}

TEST(DropoutTest, AddsToTheBase) {
  torch::manual_seed(1);
  const auto values = torch::randn({4, 5});
  const auto base = torch::randn({4, 5});
  torch::manual_seed(2);
  const auto dropped = DropoutAdd({}, values, kP);
  torch::manual_seed(2);
  EXPECT_TRUE(torch::allclose(DropoutAdd(base, values, kP), base + dropped));
}

TEST(DropoutTest, TheGradientPassesThroughTheKeptElements) {
  const auto values = torch::rand({100, 7}).add_(1).requires_grad_();
  const auto base = torch::zeros({100, 7}).requires_grad_();
  const auto output = DropoutAdd(base, values, kP);
  const auto gradient = torch::randn({100, 7});
  output.backward(gradient);
  EXPECT_TRUE(torch::equal(base.grad(), gradient));
  EXPECT_TRUE(torch::allclose(values.grad(), gradient * (output / values).detach()));
}

TEST(DropoutTest, AcceptsNonContiguousInputs) {
  torch::manual_seed(3);
  const auto values = torch::randn({6, 8}).t();
  torch::manual_seed(4);
  const auto output = DropoutAdd({}, values, kP);
  torch::manual_seed(4);
  EXPECT_TRUE(torch::equal(output, DropoutAdd({}, values.contiguous(), kP)));
}

TEST(DropoutTest, TheSeedDeterminesTheChoice) {
  EXPECT_TRUE(torch::equal(Kept(1000, 1), Kept(1000, 1)));
  EXPECT_FALSE(torch::equal(Kept(1000, 1), Kept(1000, 2)));
}

// Under autocast the values are bfloat16 and the base is not: the same choices, the same sum.
TEST(DropoutTest, AcceptsBfloat16ValuesWithAnFp32Base) {
  torch::manual_seed(5);
  const auto values = torch::randn({33, 65}).to(torch::kBFloat16);
  const auto base = torch::randn({33, 65});
  torch::manual_seed(6);
  const auto expected = DropoutAdd(base, values.to(torch::kFloat), kP);
  torch::manual_seed(6);
  const auto narrow = values.clone().requires_grad_();
  const auto output = DropoutAdd(base, narrow, kP);
  EXPECT_EQ(output.scalar_type(), torch::kFloat);
  EXPECT_TRUE(torch::equal(output, expected));
  const auto gradient = torch::randn_like(base);
  output.backward(gradient);
  const auto kept = (expected - base).ne(0);
  EXPECT_EQ(narrow.grad().scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(narrow.grad(), (gradient * kept / (1 - kP)).to(torch::kBFloat16)));
}

TEST(DropoutTest, WithoutABaseBfloat16StaysBfloat16) {
  torch::manual_seed(5);
  const auto values = torch::randn({1000}).to(torch::kBFloat16);
  torch::manual_seed(6);
  const auto expected = DropoutAdd({}, values.to(torch::kFloat), kP).to(torch::kBFloat16);
  torch::manual_seed(6);
  EXPECT_TRUE(torch::equal(DropoutAdd({}, values, kP), expected));
}

// The choices for adjacent elements, distant elements and different calls must be independent.
TEST(DropoutTest, ChoicesAreIndependent) {
  constexpr int64_t kSize = 1 << 18;
  const auto correlation = [](const torch::Tensor& a, const torch::Tensor& b) {
    return ((a - (1 - kP)) * (b - (1 - kP))).mean().item<double>() / (kP * (1 - kP));
  };
  const auto kept = Kept(kSize, 1);
  const double limit = 5 / std::sqrt(static_cast<double>(kSize));
  for (const int64_t shift : {1, 2, 4, 16, 128, 4096, 1 << 16}) {
    EXPECT_NEAR(correlation(kept, kept.roll(shift)), 0, limit) << "shift " << shift;
  }
  torch::manual_seed(1);
  const auto first = DropoutAdd({}, torch::ones({kSize}), kP).ne(0).to(torch::kDouble);
  const auto second = DropoutAdd({}, torch::ones({kSize}), kP).ne(0).to(torch::kDouble);
  EXPECT_NEAR(correlation(first, second), 0, limit);
  EXPECT_NEAR(correlation(first, second.roll(1)), 0, limit);
}

}  // namespace
}  // namespace wavemt
