#include "training/weight_average.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace wavemt {
namespace {

class WeightAverageTest : public testing::Test {
 protected:
  void SetWeights(double value) {
    const torch::NoGradGuard no_grad;
    for (auto& [name, tensor] : parameters_) tensor.fill_(value);
  }

  double Value(const NamedTensors& tensors) const { return tensors.at("w")[0].item<double>(); }

  NamedTensors parameters_ = {{"b", torch::zeros({2}).requires_grad_()},
                              {"w", torch::full({3}, 10.0F).requires_grad_()}};
};

TEST_F(WeightAverageTest, BeginsAsTheWeightsAndIsACopy) {
  const WeightAverage average(parameters_, 0.9);
  SetWeights(5);
  EXPECT_EQ(Value(average.tensors()), 10.0);
  EXPECT_FALSE(average.tensors().at("w").requires_grad());
}

TEST_F(WeightAverageTest, FollowsItsFormula) {
  constexpr double kDecay = 0.5;
  WeightAverage average(parameters_, kDecay);
  double expected = 10;
  for (int step = 1; step <= 30; ++step) {
    SetWeights(step * step);
    average.Update(step);
    // The decay rises as (1 + n) / (10 + n) up to the configured value.
    const double decay = std::min(kDecay, (1.0 + step) / (10.0 + step));
    expected = decay * expected + (1 - decay) * step * step;
    ASSERT_NEAR(Value(average.tensors()) / expected, 1.0, 1e-5) << "step " << step;
  }
}

// As on a GPU, where the host does not know whether a step is finite.
TEST_F(WeightAverageTest, FoundInfLeavesTheUpdateOut) {
  WeightAverage average(parameters_, 0.5);
  WeightAverage reference(parameters_, 0.5);
  SetWeights(7);
  average.Update(1, torch::tensor(1.0F));
  EXPECT_EQ(Value(average.tensors()), 10.0);
  average.Update(2, torch::tensor(0.0F));
  reference.Update(2);
  EXPECT_NEAR(Value(average.tensors()), Value(reference.tensors()), 1e-6);
}

TEST_F(WeightAverageTest, IsInTheModelWhileItIsAppliedAndThenTheWeightsAreBack) {
  WeightAverage average(parameters_, 0.9);
  SetWeights(4);
  const void* storage = parameters_.at("w").data_ptr();
  {
    const WeightAverage::Applied applied(average);
    EXPECT_EQ(Value(parameters_), 10.0);
    EXPECT_TRUE(parameters_.at("w").requires_grad());
  }
  EXPECT_EQ(Value(parameters_), 4.0);
  EXPECT_EQ(parameters_.at("w").data_ptr(), storage);
  average.Update(1);
  EXPECT_LT(Value(average.tensors()), 10.0);
  EXPECT_EQ(Value(parameters_), 4.0);
}

}  // namespace
}  // namespace wavemt
