#include "checkpoint/tensor_mean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/error.h"

namespace wavemt {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

TEST(TensorMean, IsTheMeanOfEachTensorInItsOwnType) {
  TensorMean mean;
  mean.Add({{"a", torch::tensor({1.0F, 2.0F})}, {"b", torch::tensor(3.0, torch::kDouble)}}, "x");
  mean.Add({{"a", torch::tensor({2.0F, 6.0F})}, {"b", torch::tensor(0.0, torch::kDouble)}}, "y");
  mean.Add({{"a", torch::tensor({6.0F, 1.0F})}, {"b", torch::tensor(0.0, torch::kDouble)}}, "z");
  EXPECT_EQ(mean.count(), 3);
  const NamedTensors taken = mean.Take();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_TRUE(torch::equal(taken.at("a"), torch::tensor({3.0F, 3.0F})));
  EXPECT_TRUE(torch::equal(taken.at("b"), torch::tensor(1.0, torch::kDouble)));
}

// In single precision, a seventh of the sum of seven is another number.
TEST(TensorMean, OfEqualWeightsIsExact) {
  const torch::Tensor weight = torch::full({5}, 0.1F);
  TensorMean mean;
  for (int i = 0; i < 7; ++i) mean.Add({{"w", weight}}, "x");
  EXPECT_TRUE(torch::equal(mean.Take().at("w"), weight));
}

TEST(TensorMean, LeavesTheWeightsAsTheyWere) {
  const torch::Tensor weight = torch::ones({2});
  TensorMean mean;
  mean.Add({{"w", weight}}, "x");
  mean.Add({{"w", torch::zeros({2})}}, "y");
  EXPECT_TRUE(torch::equal(mean.Take().at("w"), torch::full({2}, 0.5F)));
  EXPECT_TRUE(torch::equal(weight, torch::ones({2})));
}

TEST(TensorMean, WhatDoesNotFitIsRefusedAndNotAdded) {
  const float infinity = std::numeric_limits<float>::infinity();
  TensorMean mean;
  const auto expect_refused = [&](const NamedTensors& weights, const std::string& what) {
    EXPECT_THAT([&] { mean.Add(weights, "second"); },
                ThrowsMessage<Error>(AllOf(StartsWith("second: "), HasSubstr(what))));
  };
  expect_refused({}, "holds no weights");
  expect_refused({{"other", torch::full({2}, infinity)}}, "not finite");
  mean.Add({{"w", torch::ones({2})}}, "first");
  expect_refused({{"v", torch::ones({2})}}, "\"w\"");
  expect_refused({{"w", torch::ones({3})}}, "the shape [3]");
  expect_refused({{"w", torch::ones({2})}, {"v", torch::ones({2})}}, "\"v\"");
  expect_refused({{"w", torch::full({2}, infinity)}}, "not finite");
  EXPECT_EQ(mean.count(), 1);
  mean.Add({{"w", torch::zeros({2})}}, "third");
  EXPECT_TRUE(torch::equal(mean.Take().at("w"), torch::full({2}, 0.5F)));
}

}  // namespace
}  // namespace wavemt
