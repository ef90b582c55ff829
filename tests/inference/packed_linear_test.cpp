#include "inference/packed_linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

namespace wavemt {
namespace {

using Case = std::tuple<DecodingPrecision, ProductKernels>;

class PackedLinearTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto [precision, kernels] = GetParam();
    if (kernels == ProductKernels::kOneDnn && BestKernels(precision) != kernels) {
      GTEST_SKIP() << "this processor lacks the instructions";
    }
    torch::manual_seed(1);
  }

  // The relative error that rounding the weights and the inputs causes.
  static double Tolerance() {
    switch (std::get<0>(GetParam())) {
      case DecodingPrecision::kBf16:
        return 1e-2;
      case DecodingPrecision::kInt8:
        return 2e-2;
      default:
        return 1e-5;
    }
  }

  static PackedLinear Pack(const torch::Tensor& weight, const torch::Tensor& bias = {}) {
    return {weight, bias, std::get<0>(GetParam()), std::get<1>(GetParam())};
  }

  static torch::Tensor Apply(const PackedLinear& linear, const torch::Tensor& x,
                             PackedLinear::Then then = PackedLinear::Then::kNothing) {
    auto y = torch::full({x.size(0), linear.outputs()}, NAN);
    PackedInput memory;
    linear.Apply(x.const_data_ptr<float>(), x.size(0), &memory, y.data_ptr<float>(), then);
    return y;
  }

  static void ExpectClose(const torch::Tensor& actual, const torch::Tensor& expected) {
    const double error = (actual - expected).norm().item<double>();
    EXPECT_LT(error, Tolerance() * expected.norm().item<double>());
  }

  torch::NoGradGuard no_grad_;
};

// Sizes that are no multiples of what the kernels take together, more rows than a block has, and
// one of each.
TEST_P(PackedLinearTest, MatchesLibTorch) {
  for (const auto& [rows, inputs, outputs] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{
           {1, 1, 1}, {1, 7, 3}, {5, 16, 64}, {9, 30, 65}, {64, 33, 130}, {141, 24, 200}}) {
    SCOPED_TRACE(testing::Message() << rows << " " << inputs << " " << outputs);
    const auto weight = torch::randn({outputs, inputs});
    const auto bias = torch::randn({outputs});
    const auto x = torch::randn({rows, inputs});
    ExpectClose(Apply(Pack(weight, bias), x), torch::linear(x, weight, bias));
    ExpectClose(Apply(Pack(weight), x), torch::linear(x, weight));
    ExpectClose(Apply(Pack(weight, bias), x, PackedLinear::Then::kRelu),
                torch::relu(torch::linear(x, weight, bias)));
  }
}

TEST_P(PackedLinearTest, ComputesSomeColumns) {
  const auto weight = torch::randn({200, 20});
  const auto bias = torch::randn({200});
  const auto x = torch::randn({70, 20});
  const PackedLinear linear = Pack(weight, bias);
  PackedInput input;
  linear.Prepare(x.const_data_ptr<float>(), 70, &input);
  constexpr int64_t kBegin = PackedLinear::kBlock;
  constexpr int64_t kStride = 150;
  auto y = torch::full({70, kStride}, 5.0F);
  linear.Multiply(input, kBegin, 200, y.data_ptr<float>(), kStride);
  const auto expected = torch::linear(x, weight, bias);
  ExpectClose(y.narrow(1, 0, 200 - kBegin), expected.narrow(1, kBegin, 200 - kBegin));
  EXPECT_TRUE(y.narrow(1, 200 - kBegin, kStride - 200 + kBegin).eq(5.0F).all().item<bool>());
}

TEST_P(PackedLinearTest, ARowDoesNotDependOnTheOthers) {
  const PackedLinear linear = Pack(torch::randn({100, 48}));
  auto x = torch::randn({3, 48});
  const auto before = Apply(linear, x)[0].clone();
  x.narrow(0, 1, 2).mul_(1000);
  EXPECT_TRUE(torch::allclose(Apply(linear, x)[0], before, 0, 1e-4));
}

TEST_P(PackedLinearTest, ZeroStaysZero) {
  const auto bias = torch::randn({70});
  const auto y = Apply(Pack(torch::zeros({70, 8}), bias), torch::zeros({2, 8}));
  EXPECT_TRUE(torch::equal(y, bias.expand({2, 70})));
}

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  const auto [precision, kernels] = info.param;
  const std::vector<std::string> precisions = {"fp32", "bf16", "int8"};
  return precisions.at(static_cast<size_t>(precision)) +
         (kernels == ProductKernels::kOneDnn ? "_oneDNN" : "_LibTorch");
}

INSTANTIATE_TEST_SUITE_P(
    All, PackedLinearTest,
    testing::Combine(testing::Values(DecodingPrecision::kFp32, DecodingPrecision::kBf16,
                                     DecodingPrecision::kInt8),
                     testing::Values(ProductKernels::kOneDnn, ProductKernels::kLibTorch)),
    CaseName);

// Integers are multiplied exactly: with steps of 1, nothing is lost, not even where each product is
// as large as can be.
TEST(PackedLinear, Int8SumsAreExact) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  auto weight = torch::randint(-127, 128, {64, 40}).to(torch::kFloat);
  auto x = torch::randint(-127, 128, {6, 40}).to(torch::kFloat);
  weight.narrow(0, 0, 8).fill_(127);
  weight.narrow(0, 8, 8).fill_(-127);
  x.select(0, 0).fill_(127);
  x.select(0, 1).fill_(-127);
  weight.select(1, 0).fill_(127);  // So that the largest number of each row is 127.
  x.select(1, 0).fill_(127);
  const ProductKernels best = BestKernels(DecodingPrecision::kInt8);
  for (const ProductKernels kernels : {best, ProductKernels::kLibTorch}) {
    const PackedLinear linear(weight, {}, DecodingPrecision::kInt8, kernels);
    auto y = torch::empty({6, 64});
    PackedInput memory;
    linear.Apply(x.const_data_ptr<float>(), 6, &memory, y.data_ptr<float>());
    EXPECT_TRUE(torch::equal(y, torch::mm(x, weight.t())));
  }
}

}  // namespace
}  // namespace wavemt
